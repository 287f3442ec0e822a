# ROS 2 from the Python package index exports targets that name header folders of the machine on
# which they were built; CMake refuses a target with a folder that does not exist. Keep those that
# exist and the generator expressions. An ordinary ROS 2 installation is left as it is.
function(neuropose_drop_missing_include_directories)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(NOT directories)
      continue()
    endif()
    set(kept "")
    foreach(directory IN LISTS directories)
      if(directory MATCHES "\\$<" OR EXISTS "${directory}")
        list(APPEND kept "${directory}")
      endif()
    endforeach()
    set_property(TARGET ${target} PROPERTY INTERFACE_INCLUDE_DIRECTORIES "${kept}")
  endforeach()
endfunction()

# The same the other way round: what this package exports must not name this machine's Python and
# numpy, and may not where they lie inside the source tree (a virtual environment there).
function(neuropose_keep_include_directories_private target)
  get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
  set(kept "")
  foreach(directory IN LISTS directories)
    if(IS_ABSOLUTE "${directory}")
      list(APPEND kept "$<BUILD_INTERFACE:${directory}>")
    else()
      list(APPEND kept "${directory}")
    endif()
  endforeach()
  set_property(TARGET ${target} PROPERTY INTERFACE_INCLUDE_DIRECTORIES "${kept}")
endfunction()
