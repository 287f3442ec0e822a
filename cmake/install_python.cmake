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

# An executable starts with the Python it was built with, so that it finds the same packages from
# any shell. A distribution's own Python stays `env python3`. Inside a virtual environment the
# interpreter is written down, by way of sh: a #! line takes neither spaces nor long paths.
function(_neuropose_shebang result)
  execute_process(
    COMMAND ${Python3_EXECUTABLE} -c "import sys; print(sys.prefix == sys.base_prefix)"
    OUTPUT_VARIABLE is_own OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  if(is_own STREQUAL "True")
    set(${result} "#!/usr/bin/env python3" PARENT_SCOPE)
  else()
    set(${result} "#!/bin/sh\n'''exec' \"${Python3_EXECUTABLE}\" \"$0\" \"$@\"\n' '''" PARENT_SCOPE)
  endif()
endfunction()

function(_neuropose_install_executable name module destination to_prefix)
  set(EXECUTABLE_MODULE ${module})
  set(EXECUTABLE_TO_PREFIX ${to_prefix})
  _neuropose_shebang(EXECUTABLE_SHEBANG)
  set(script ${CMAKE_CURRENT_BINARY_DIR}/executables/${destination}/${name})
  configure_file(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/executable.py.in ${script} @ONLY
    # A symlink installation links to this file: without the run bits it gives "Permission denied".
    FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
      WORLD_READ WORLD_EXECUTE)
  install(PROGRAMS ${script} DESTINATION ${destination})
endfunction()

# neuropose_install_executables("NAME=MODULE[ ARGUMENT]" ...): lib/neuropose_ros/NAME calls MODULE's
# main() with ARGUMENT before those of the command line.
# The command `neuropose` is in bin/ too, which is on PATH once the installation is sourced.
function(neuropose_install_executables)
  foreach(entry IN LISTS ARGN)
    string(REGEX MATCH "^([^=]+)=([^ ]+) ?(.*)$" matched "${entry}")
    set(name ${CMAKE_MATCH_1})
    set(module ${CMAKE_MATCH_2})
    set(EXECUTABLE_ARGUMENT ${CMAKE_MATCH_3})
    _neuropose_install_executable(${name} ${module} lib/${PROJECT_NAME} ../../..)
    if(name STREQUAL "neuropose")
      _neuropose_install_executable(${name} ${module} bin ../..)
    endif()
  endforeach()
endfunction()
