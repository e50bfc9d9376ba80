# lodestone_library(NAME SOURCES ... [PUBLIC ...] [PRIVATE ...]): one folder's static library.
# PUBLIC links are the arrows of docs/design.md that the folder's headers show; PRIVATE ones its sources
# alone.
set(LODESTONE_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees overlaps and overflows in std::string that are not there (GCC bug 105651).
  list(APPEND LODESTONE_WARNINGS -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds)
endif()
if(LODESTONE_SANITIZE)
  set(LODESTONE_SANITIZE_FLAGS -fsanitize=${LODESTONE_SANITIZE} -fno-omit-frame-pointer -g)
endif()

# For sources whose loops are to become vector instructions: `omp simd` is heard, and no loop keeps its order
# for the sake of a floating-point exception that nobody asks for.
# lodestone_vector_loops(SOURCES...): of the library of this folder.
function(lodestone_vector_loops)
  # In the place of the options that name a precompiled header, which the compiler would refuse beside these.
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS
    "-O3;-fopenmp-simd;-fno-math-errno;-fno-trapping-math")
endfunction()

# lodestone_assets(NAME FILES...): NAME.cpp in the build folder from NAME.cpp.in, in which
# @LODESTONE_FILE_ENDING@ stands for the text of FILE.ENDING, which lies beside it: the program needs no file
# beside the binary. NAME may be in a folder below this one.
function(lodestone_assets name)
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR}/${name} DIRECTORY)
  foreach(file ${ARGN})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/${file})
    string(TOUPPER LODESTONE_${file} variable)
    string(REPLACE "." "_" variable ${variable})
    file(READ ${folder}/${file} ${variable})
  endforeach()
  configure_file(${name}.cpp.in ${name}.cpp @ONLY)
endfunction()

function(lodestone_options target)
  target_compile_options(${target} PRIVATE ${LODESTONE_WARNINGS} ${LODESTONE_SANITIZE_FLAGS})
  target_link_options(${target} PRIVATE ${LODESTONE_SANITIZE_FLAGS})
endfunction()

# For what only tests use. Their own code is compiled for a short build, not for speed.
function(lodestone_test_options target)
  lodestone_options(${target})
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${target} PRIVATE -fPIE $<$<CONFIG:Release>:-O1>)
endfunction()

# lodestone_test_sources(TARGET): options and headers of a target that only tests use.
function(lodestone_test_sources target)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  # the definitions that its precompiled headers were compiled with
  target_link_libraries(${target} PRIVATE GTest::gmock)
  lodestone_test_options(${target})
  lodestone_precompile(${target} test_)
endfunction()

function(lodestone_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(lodestone_${name} STATIC ${ARG_SOURCES})
  add_library(lodestone::${name} ALIAS lodestone_${name})
  set_target_properties(lodestone_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(lodestone_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:include/lodestone>)
  target_link_libraries(lodestone_${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  target_compile_features(lodestone_${name} PUBLIC cxx_std_20)
  lodestone_options(lodestone_${name})
  lodestone_precompile(lodestone_${name})
  set_property(GLOBAL APPEND PROPERTY LODESTONE_LIBRARIES lodestone_${name})
endfunction()
