# LibTorch as the target lodestone_torch: the user's own (a CMAKE_PREFIX_PATH or Torch_DIR that holds
# TorchConfig.cmake), else the pinned wheel's C++ part, which ./dev unpacks into the cache folder.
set(LODESTONE_LIBTORCH "" CACHE PATH
  "Folder with LibTorch's include/ and lib/ (default: the cache that ./dev fills)")

add_library(lodestone_torch INTERFACE)
if(NOT LODESTONE_LIBTORCH)
  find_package(Torch QUIET)
endif()

if(Torch_FOUND)
  message(STATUS "LibTorch: ${TORCH_INSTALL_PREFIX}")
  target_include_directories(lodestone_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
  target_compile_options(lodestone_torch INTERFACE ${TORCH_CXX_FLAGS})
  set(LODESTONE_LIBTORCH_LIB "${TORCH_INSTALL_PREFIX}/lib")
  target_link_libraries(lodestone_torch INTERFACE torch_cpu c10)
else()
  if(NOT LODESTONE_LIBTORCH)
    if(DEFINED ENV{LODESTONE_CACHE})
      set(cache "$ENV{LODESTONE_CACHE}")
    elseif(DEFINED ENV{XDG_CACHE_HOME})
      set(cache "$ENV{XDG_CACHE_HOME}/lodestone")
    else()
      set(cache "$ENV{HOME}/.cache/lodestone")
    endif()
    set(LODESTONE_LIBTORCH "${cache}/libtorch-2.11.0/torch" CACHE PATH "" FORCE)
  endif()
  if(NOT EXISTS "${LODESTONE_LIBTORCH}/lib/libtorch_cpu.so")
    message(FATAL_ERROR
      "LibTorch: expected ${LODESTONE_LIBTORCH}/lib/libtorch_cpu.so, which does not exist. "
    "Run './dev build', which "
      "fetches it, or point CMAKE_PREFIX_PATH at a LibTorch of your own.")
  endif()
  message(STATUS "LibTorch: ${LODESTONE_LIBTORCH}")
  set(LODESTONE_LIBTORCH_LIB "${LODESTONE_LIBTORCH}/lib")
  target_include_directories(lodestone_torch SYSTEM INTERFACE
    $<BUILD_INTERFACE:${LODESTONE_LIBTORCH}/include>
    $<BUILD_INTERFACE:${LODESTONE_LIBTORCH}/include/torch/csrc/api/include>)
  target_link_libraries(lodestone_torch INTERFACE
    ${LODESTONE_LIBTORCH_LIB}/libtorch_cpu.so ${LODESTONE_LIBTORCH_LIB}/libc10.so)
endif()
# libtorch_cpu of the wheel is linked with a run path of its own; its CUDA stubs are found through that, not
# by us.
# Tensor operators without the whole of ATen: a source then costs 3 s instead of 8.
target_compile_definitions(lodestone_torch INTERFACE AT_PER_OPERATOR_HEADERS)
target_link_options(lodestone_torch INTERFACE -Wl,--allow-shlib-undefined)
list(APPEND CMAKE_BUILD_RPATH ${LODESTONE_LIBTORCH_LIB})
list(APPEND CMAKE_INSTALL_RPATH "$ORIGIN/../lib" "$ORIGIN" ${LODESTONE_LIBTORCH_LIB})
