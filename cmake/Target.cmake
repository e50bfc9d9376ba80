# lodestone_library(NAME SOURCES ... [PUBLIC ...] [PRIVATE ...]): one folder's static library.
# PUBLIC links are the arrows of docs/design.md that the folder's headers show; PRIVATE ones its sources alone.
set(LODESTONE_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees overlaps in std::string's operator+ that are not there (GCC bug 105651).
  list(APPEND LODESTONE_WARNINGS -Wno-restrict)
endif()
if(LODESTONE_SANITIZE)
  set(LODESTONE_SANITIZE_FLAGS -fsanitize=${LODESTONE_SANITIZE} -fno-omit-frame-pointer -g)
endif()

# For sources whose loops are to become vector instructions: `omp simd` is heard, and no loop keeps its order for the sake of a
# floating-point exception that nobody asks for.
set(LODESTONE_VECTOR_LOOPS -O3 -fopenmp-simd -fno-math-errno -fno-trapping-math)

function(lodestone_options target)
  target_compile_options(${target} PRIVATE ${LODESTONE_WARNINGS} ${LODESTONE_SANITIZE_FLAGS})
  target_link_options(${target} PRIVATE ${LODESTONE_SANITIZE_FLAGS})
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
  set_property(GLOBAL APPEND PROPERTY LODESTONE_LIBRARIES lodestone_${name})
endfunction()
