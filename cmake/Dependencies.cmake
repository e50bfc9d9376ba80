# Every outside package, found once. Ours come from the distribution; LibTorch from cmake/LibTorch.cmake.
find_package(Threads REQUIRED)
find_package(MPI REQUIRED COMPONENTS CXX)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(yaml-cpp REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(Boost REQUIRED)  # headers alone: Asio and Beast
find_package(OpenSSL REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n)
find_package(pugixml REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(archive REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(sentencepiece REQUIRED IMPORTED_TARGET sentencepiece)
pkg_check_modules(spng REQUIRED IMPORTED_TARGET spng)
pkg_check_modules(jpeg REQUIRED IMPORTED_TARGET libjpeg)
pkg_check_modules(webp REQUIRED IMPORTED_TARGET libwebp libwebpdemux)
pkg_check_modules(freetype REQUIRED IMPORTED_TARGET freetype2)
pkg_check_modules(harfbuzz REQUIRED IMPORTED_TARGET harfbuzz)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
find_path(FAISS_INCLUDE faiss/Index.h REQUIRED)
find_library(FAISS_LIBRARY faiss REQUIRED)
if(LODESTONE_TESTS)
  find_package(GTest REQUIRED)
endif()
if(NOT TARGET yaml-cpp::yaml-cpp)  # yaml-cpp before 0.8 exports the bare name
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()

include(cmake/LibTorch.cmake)
include(cmake/Cuda.cmake)

# Not faiss' own target: that names OpenMP by its path, which would hide LibTorch's, and the distribution's
# BLAS, which may be the slow reference one and would take LibTorch's own products over. faiss multiplies by
# LibTorch's (trainer/search/approximate_index.cpp).
add_library(lodestone_faiss INTERFACE)
target_include_directories(lodestone_faiss SYSTEM INTERFACE ${FAISS_INCLUDE})
target_link_libraries(lodestone_faiss INTERFACE ${FAISS_LIBRARY} lodestone_torch)
