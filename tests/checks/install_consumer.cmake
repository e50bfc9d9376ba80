# Installs the build, moves the installed tree, and there builds and runs a program of somebody else's. Variables:
# BUILD, COMPILER, GENERATOR, SANITIZE.
set(work ${BUILD}/install_consumer)
file(REMOVE_RECURSE ${work})
file(MAKE_DIRECTORY ${work})

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nfailed (${status}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${work}/first)
file(RENAME ${work}/first ${work}/prefix)

set(flags)
if(SANITIZE)
  set(flags "-fsanitize=${SANITIZE}")
endif()
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/consumer -B ${work}/build -G ${GENERATOR}
  -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_FLAGS=${flags} -DCMAKE_PREFIX_PATH=${work}/prefix)
run(${CMAKE_COMMAND} --build ${work}/build)
run(${work}/build/consumer)
if(NOT output MATCHES "triplet\n.*embeddings 3 x [1-9]")
  message(FATAL_ERROR "the consumer printed:\n${output}")
endif()
message("${output}")

run(${work}/prefix/bin/lodestone --help)
if(NOT output MATCHES "train")
  message(FATAL_ERROR "the installed lodestone --help printed:\n${output}")
endif()
file(REMOVE_RECURSE ${work})
