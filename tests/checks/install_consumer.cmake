# Installs the build, moves the installed tree, and there builds and runs a program of somebody else's.
# Variables: BUILD, COMPILER, GENERATOR, SANITIZE.
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
function(build_there source target)
  run(${CMAKE_COMMAND} -S ${source} -B ${work}/${target} -G ${GENERATOR}
    -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_FLAGS=${flags} -DCMAKE_PREFIX_PATH=${work}/prefix)
  run(${CMAKE_COMMAND} --build ${work}/${target})
endfunction()

build_there(${CMAKE_CURRENT_LIST_DIR}/consumer consumer)
run(${work}/consumer/consumer)
if(NOT output MATCHES "triplet\n.*embeddings 3 x [1-9]")
  message(FATAL_ERROR "the consumer printed:\n${output}")
endif()
message("${output}")

run(${work}/prefix/bin/lodestone --help)
if(NOT output MATCHES "train")
  message(FATAL_ERROR "the installed lodestone --help printed:\n${output}")
endif()

# The example compares two pictures by a model that the installed program trained and exported.
foreach(class RANGE 3)
  foreach(instance RANGE 3)
    math(EXPR bright "60 * ${class} + 5 * ${instance}")
    set(row "${bright} ${bright} 0 255\n")
    file(WRITE ${work}/pictures/${class}/${instance}.pgm "P2\n4 4\n255\n${row}${row}${row}${row}")
  endforeach()
endforeach()
file(WRITE ${work}/run.yaml "run_dir: ${work}/run
global_batch: 8
data: {train: {path: ${work}/pictures}, image: {width: 4, height: 4}}
sampler: {name: pk, samples_per_class: 2}
encoder: {name: conv4, channels: [8], embedding: 4}
schedule: {steps: 2, warmup_steps: 0}
")
run(${work}/prefix/bin/lodestone train ${work}/run.yaml)
run(${work}/prefix/bin/lodestone export ${work}/run --format torchscript --output ${work}/model.pt)
build_there(${CMAKE_CURRENT_LIST_DIR}/../../examples/compare compare)
run(${work}/compare/compare ${work}/model.pt ${work}/pictures/0/1.pgm ${work}/pictures/0/1.pgm)
if(NOT output MATCHES "cosine 1\\.0000")
  message(FATAL_ERROR "the example said of a picture and itself:\n${output}")
endif()
run(${work}/compare/compare ${work}/model.pt ${work}/pictures/0/1.pgm ${work}/pictures/3/0.pgm)
if(NOT output MATCHES "cosine -?[01]\\.[0-9]+" OR output MATCHES "1\\.0000")
  message(FATAL_ERROR "the example said of two pictures:\n${output}")
endif()

# A program with a loss and an encoder of its own: its runs are its own, and the installed program says why it
# can't read them.
build_there(${CMAKE_CURRENT_LIST_DIR}/../../examples/own_loss own_loss)
set(own ${work}/own_loss/own_loss)
if(NOT EXISTS ${work}/own_loss/liblodestone_loopback.so)
  message(FATAL_ERROR "launch of the program with its own loss has no library that keeps mpirun on loopback")
endif()
run(${own} config --reference)
if(NOT output MATCHES "name: .square." OR NOT output MATCHES "name: .one_layer.")
  message(FATAL_ERROR "the reference of the program with its own loss lacks it:\n${output}")
endif()
set(own_yaml ${CMAKE_CURRENT_LIST_DIR}/../../examples/own_loss/own.yaml)
set(own_set --set run_dir=${work}/own --set data.train.path=${work}/pictures --set
  evaluate.data.path=${work}/pictures)
run(${own} train ${own_yaml} ${own_set})
# The program executes itself again at its start: a stop has to reach the second image too.
file(WRITE ${work}/stop.sh [=[
timeout -k 60 600 "$1" train "$2" --set "data.train.path=$4" --set "run_dir=$3" --set schedule.steps=1000000 &
pid=$!
until grep -q step "$3/metrics.jsonl" 2>/dev/null; do kill -0 $pid || exit 1; done
kill -TERM $pid; wait $pid; code=$?
echo "stopped with $code"; [ $code -eq 75 ]
]=])
run(sh ${work}/stop.sh ${own} ${own_yaml} ${work}/own_stopped ${work}/pictures)
run(${own} evaluate ${work}/own)
run(${own} embed ${work}/own --input ${work}/pictures --output ${work}/own.safetensors)
run(${own} verify-gradients ${own_yaml} ${own_set} --all --batches 1)
if(NOT output MATCHES "square +all [^\n]*equal" OR output MATCHES "DIFFERS")
  message(FATAL_ERROR "verify-gradients --all of the program with its own loss printed:\n${output}")
endif()
function(refused name)
  execute_process(COMMAND ${work}/prefix/bin/lodestone evaluate ${work}/own ${ARGN}
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 2 OR NOT output MATCHES "use the program that registers '${name}'")
    message(FATAL_ERROR
      "the installed lodestone said of a run with ${name}, which it does not have (${status}):\n${output}")
  endif()
endfunction()
refused(one_layer)
refused(square --set "encoder={name: mlp}")
run(${work}/prefix/bin/lodestone inspect ${work}/own)

# A program that trains through the library. The installed program reads its run.
build_there(${CMAKE_CURRENT_LIST_DIR}/../../examples/train train)
run(${work}/train/train ${work}/pictures ${work}/library)
if(NOT output MATCHES "an embedding of 32 numbers")
  message(FATAL_ERROR "the program that trains through the library printed:\n${output}")
endif()
run(${work}/prefix/bin/lodestone evaluate ${work}/library --set evaluate.data.path=${work}/pictures)
file(REMOVE_RECURSE ${work})
