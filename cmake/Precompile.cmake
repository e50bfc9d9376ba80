# LibTorch's headers take a source 8 s to read; precompiled, less than 1. Four sets, each compiled once and used by every target
# that asks for it:
#   library   the libraries
#   c10d      distributed/
#   test      the tests
#   commands  the verbs of the command line
# A precompiled header hides a missing #include: -DLODESTONE_PRECOMPILE=OFF shows it.
option(LODESTONE_PRECOMPILE "Precompile LibTorch's and the standard library's headers" ON)

set(LODESTONE_STANDARD_HEADERS <algorithm> <array> <cmath> <cstdint> <functional> <map> <memory> <mutex> <optional>
    <string> <string_view> <unordered_map> <variant> <vector>)
set(LODESTONE_library_HEADERS ${LODESTONE_STANDARD_HEADERS} <ATen/core/Tensor.h> <ATen/TensorOperators.h>
    <ATen/core/grad_mode.h> <nlohmann/json.hpp>)
set(LODESTONE_c10d_HEADERS ${LODESTONE_STANDARD_HEADERS} <ATen/core/Tensor.h> <torch/csrc/distributed/c10d/Backend.hpp>
    <torch/csrc/distributed/c10d/Store.hpp>)
set(LODESTONE_commands_HEADERS ${LODESTONE_library_HEADERS} <CLI/CLI.hpp>)
set(LODESTONE_test_HEADERS ${LODESTONE_library_HEADERS} <gmock/gmock.h> <gtest/gtest.h>)

# lodestone_precompile(TARGET SET). Targets of one set are compiled with the same options.
function(lodestone_precompile target set)
  if(NOT LODESTONE_PRECOMPILE)
    return()
  endif()
  set(holder lodestone_${set}_headers)
  if(NOT TARGET ${holder})
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/${holder}.cpp CONTENT "")
    add_library(${holder} OBJECT ${PROJECT_BINARY_DIR}/${holder}.cpp)
    target_link_libraries(${holder} PRIVATE lodestone_torch nlohmann_json::nlohmann_json)
    if(set STREQUAL test)
      target_link_libraries(${holder} PRIVATE GTest::gmock)
      lodestone_test_options(${holder})
    else()
      lodestone_options(${holder})
    endif()
    target_compile_features(${holder} PRIVATE cxx_std_20)
    target_compile_options(${holder} PRIVATE ${LODESTONE_PRECOMPILED_OPTIONS})
    target_precompile_headers(${holder} PRIVATE ${LODESTONE_${set}_HEADERS})
  endif()
  target_compile_options(${target} PRIVATE ${LODESTONE_PRECOMPILED_OPTIONS})
  target_precompile_headers(${target} REUSE_FROM ${holder})
endfunction()

# What ccache needs to serve sources that use one.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(LODESTONE_PRECOMPILED_OPTIONS -fpch-preprocess)
endif()
