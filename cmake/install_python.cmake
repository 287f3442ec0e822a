# rosidl installs an empty neuropose_ros/__init__.py beside neuropose_ros/msg; our sources go on top.
# From ament_cmake 2.8.7 on rosidl's own installation is deferred to ament_package() and merged with
# ours when we register ours the same way; before, a second registration is a duplicate target.
macro(neuropose_install_python)
  if(EXISTS "${ament_cmake_python_DIR}/ament_python_install_registered_packages.cmake")
    ament_python_install_package(${PROJECT_NAME})
  else()
    install(DIRECTORY ${PROJECT_NAME}/ DESTINATION ${PYTHON_INSTALL_DIR}/${PROJECT_NAME}
      PATTERN __pycache__ EXCLUDE
      PATTERN "*.pyc" EXCLUDE)
  endif()
endmacro()

# neuropose_install_executables(NAME=MODULE ...): lib/neuropose_ros/NAME calls MODULE's main().
function(neuropose_install_executables)
  foreach(entry IN LISTS ARGN)
    string(REGEX MATCH "^([^=]+)=(.+)$" matched "${entry}")
    set(EXECUTABLE_MODULE ${CMAKE_MATCH_2})
    set(script ${CMAKE_CURRENT_BINARY_DIR}/executables/${CMAKE_MATCH_1})
    configure_file(${CMAKE_CURRENT_SOURCE_DIR}/cmake/executable.py.in ${script} @ONLY
      # A symlink installation links to this file: without the run bits it gives "Permission denied".
      FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
        WORLD_READ WORLD_EXECUTE)
    install(PROGRAMS ${script} DESTINATION lib/${PROJECT_NAME})
  endforeach()
endfunction()
