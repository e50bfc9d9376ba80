# `cmake --install`: the program, the libraries, the headers, and a package for find_package(lodestone).
# Everything is placed relative to the prefix, so an installed tree may be moved; only LibTorch stays where it
# is.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(libraries GLOBAL PROPERTY LODESTONE_LIBRARIES)
set_target_properties(lodestone_torch PROPERTIES EXPORT_NAME torch)
set_target_properties(lodestone_faiss PROPERTIES EXPORT_NAME faiss)
# Users write <lodestone/common/error.h>; our headers name each other "common/error.h" (cmake/Target.cmake).
foreach(library IN LISTS libraries)
  target_include_directories(${library} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()

install(TARGETS ${libraries} lodestone_torch lodestone_faiss EXPORT lodestoneTargets ARCHIVE DESTINATION
  ${CMAKE_INSTALL_LIBDIR})
if(TARGET lodestone_nccl)
  install(TARGETS lodestone_nccl LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
if(TARGET lodestone)
  install(TARGETS lodestone RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(TARGETS lodestone_loopback LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(DIRECTORY common distributed sampler trainer DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lodestone
  FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/lodestone)
install(EXPORT lodestoneTargets NAMESPACE lodestone:: DESTINATION ${package})
configure_package_config_file(cmake/lodestoneConfig.cmake.in ${PROJECT_BINARY_DIR}/lodestoneConfig.cmake
  INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/lodestoneConfigVersion.cmake COMPATIBILITY
  SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lodestoneConfig.cmake ${PROJECT_BINARY_DIR}/lodestoneConfigVersion.cmake
  DESTINATION ${package})
