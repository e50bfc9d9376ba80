# LibTorch's headers take a source 8 s to read; precompiled, less than 1. What is precompiled costs, too: of
# the templates that inline functions of a header call, every source makes its own (0.8 s for LibTorch's, 0.3
# s for JSON's). So there are several sets, and each source gets the one of what it includes, itself or
# through headers of ours:
#   standard       the standard library's headers alone
#   json           and JSON
#   tensors        and LibTorch's tensors
#   tensors_json   and both
#   c10d           and tensors with c10d's backends
# The sets of tests (test_standard and so on) have GoogleTest's headers, too. A set is compiled once, when a
# source needs it.
# Which set a source gets is found when CMake runs: after a change of headers it may be one that fits less
# well, which costs time alone.
# A precompiled header hides a missing #include: -DLODESTONE_PRECOMPILE=OFF shows it.
option(LODESTONE_PRECOMPILE "Precompile the headers of LibTorch, JSON and the standard library" ON)

set(LODESTONE_standard_HEADERS <algorithm> <array> <atomic> <chrono> <cmath> <condition_variable> <cstdint>
  <filesystem> <fstream>
    <functional> <iostream> <map> <memory> <mutex> <optional> <set> <span> <sstream> <string> <string_view>
    <thread> <unordered_map>
    <variant> <vector>)
set(LODESTONE_json_HEADERS ${LODESTONE_standard_HEADERS} <nlohmann/json.hpp>)
set(LODESTONE_tensors_HEADERS ${LODESTONE_standard_HEADERS} <ATen/core/Tensor.h> <ATen/TensorOperators.h>
  <ATen/core/grad_mode.h>)
set(LODESTONE_tensors_json_HEADERS ${LODESTONE_tensors_HEADERS} <nlohmann/json.hpp>)
set(LODESTONE_c10d_HEADERS ${LODESTONE_standard_HEADERS} <ATen/core/Tensor.h>
  <torch/csrc/distributed/c10d/Backend.hpp>
    <torch/csrc/distributed/c10d/Store.hpp>)
foreach(set standard json tensors tensors_json)
  set(LODESTONE_test_${set}_HEADERS ${LODESTONE_${set}_HEADERS} <gmock/gmock.h> <gtest/gtest.h>)
endforeach()

# lodestone_includes(FILE OUT): which of tensors, c10d and json the file includes, itself or through headers
# of ours.
function(lodestone_includes file out)
  set(property LODESTONE_INCLUDES_${file})
  get_property(known GLOBAL PROPERTY ${property} SET)
  if(NOT known)
    set_property(GLOBAL PROPERTY ${property} "")  # so that headers that include each other end
    set(found "")
    set(lines "")
    if(EXISTS ${file})
      file(STRINGS ${file} lines REGEX "^#include [<\"]")
    endif()
    foreach(line IN LISTS lines)
      if(line MATCHES "<torch/csrc/distributed/")
        list(APPEND found tensors c10d)
      elseif(line MATCHES "<(ATen|c10|torch)/")
        list(APPEND found tensors)
      elseif(line MATCHES "<nlohmann/json.hpp>")
        list(APPEND found json)
      elseif(line MATCHES "\"([^\"]+)\"")
        get_filename_component(beside ${file} DIRECTORY)
        foreach(folder ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/tests ${beside})
          if(EXISTS ${folder}/${CMAKE_MATCH_1})
            lodestone_includes(${folder}/${CMAKE_MATCH_1} below)
            list(APPEND found ${below})
            break()
          endif()
        endforeach()
      endif()
    endforeach()
    list(REMOVE_DUPLICATES found)
    set_property(GLOBAL PROPERTY ${property} "${found}")
  endif()
  get_property(found GLOBAL PROPERTY ${property})
  set(${out} "${found}" PARENT_SCOPE)
endfunction()

# lodestone_set_of(FILE PREFIX OUT): the set for a source. PREFIX is test_ for tests, and otherwise empty.
function(lodestone_set_of file prefix out)
  lodestone_includes(${file} includes)
  set(set standard)
  if("c10d" IN_LIST includes AND NOT prefix)
    set(set c10d)
  elseif("tensors" IN_LIST includes AND "json" IN_LIST includes)
    set(set tensors_json)
  elseif("tensors" IN_LIST includes)
    set(set tensors)
  elseif("json" IN_LIST includes)
    set(set json)
  endif()
  set(${out} ${prefix}${set} PARENT_SCOPE)
endfunction()

# The target that compiles a set, made when it is first asked for.
function(lodestone_header_target set)
  set(holder lodestone_${set}_headers)
  if(TARGET ${holder})
    return()
  endif()
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/${holder}.cpp CONTENT "")
  add_library(${holder} OBJECT ${PROJECT_BINARY_DIR}/${holder}.cpp)
  target_link_libraries(${holder} PRIVATE lodestone_torch nlohmann_json::nlohmann_json)
  if(set MATCHES "^test_")
    target_link_libraries(${holder} PRIVATE GTest::gmock)
    lodestone_test_options(${holder})
  else()
    lodestone_options(${holder})
  endif()
  target_compile_features(${holder} PRIVATE cxx_std_20)
  target_compile_options(${holder} PRIVATE ${LODESTONE_PRECOMPILED_OPTIONS})
  target_precompile_headers(${holder} PRIVATE ${LODESTONE_${set}_HEADERS})
endfunction()

# lodestone_precompile(TARGET [PREFIX]): gives each source of the target its set. Targets of one prefix are
# compiled with the same options; a source with options of its own gets no set, since the compiler would
# refuse it.
function(lodestone_precompile target)
  if(NOT LODESTONE_PRECOMPILE OR CMAKE_CONFIGURATION_TYPES)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    get_source_file_property(options ${source} COMPILE_OPTIONS)
    # $<: objects of another target
    if((options AND NOT options MATCHES "-include") OR source MATCHES "^\\$<")
      continue()
    endif()
    get_filename_component(path ${source} ABSOLUTE)
    lodestone_set_of(${path} "${ARGN}" set)
    lodestone_header_target(${set})
    # CMake gives a whole target one set. These are the options that it would give, and its name of the file.
    get_target_property(folder lodestone_${set}_headers BINARY_DIR)
    set(header ${folder}/CMakeFiles/lodestone_${set}_headers.dir/cmake_pch.hxx)
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "-Winvalid-pch;-include;${header}"
      OBJECT_DEPENDS ${header}${LODESTONE_PRECOMPILED_ENDING})
    add_dependencies(${target} lodestone_${set}_headers)
  endforeach()
  target_compile_options(${target} PRIVATE ${LODESTONE_PRECOMPILED_OPTIONS})
endfunction()

set(LODESTONE_PRECOMPILED_ENDING .pch)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(LODESTONE_PRECOMPILED_ENDING .gch)
  set(LODESTONE_PRECOMPILED_OPTIONS -fpch-preprocess)  # what ccache needs to serve sources that use a set
endif()
