"""A message package with nested keypoints, built once into the user's cache.

It is what messages of poses usually look like; here it only serves to be measured against.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.inference.cache import cache_folder, locked, writing

PACKAGE = 'neuropose_nested_msgs'

_FRAME = """std_msgs/Header header
uint64 frame_seq
uint32 epoch
uint8 status
uint32 image_width
uint32 image_height
string layout
string stage
string model
"""

_FILES = {
    'package.xml': f"""<?xml version="1.0"?>
<package format="3">
  <name>{PACKAGE}</name>
  <version>0.0.0</version>
  <description>Nested keypoints, to measure flat ones against.</description>
  <maintainer email="nobody@example.com">nobody</maintainer>
  <license>MIT</license>
  <buildtool_depend>ament_cmake</buildtool_depend>
  <buildtool_depend>rosidl_default_generators</buildtool_depend>
  <depend>std_msgs</depend>
  <exec_depend>rosidl_default_runtime</exec_depend>
  <member_of_group>rosidl_interface_packages</member_of_group>
</package>
""",
    # Targets of the ROS 2 wheels name header folders that are not here; CMake would refuse them.
    'CMakeLists.txt': f"""cmake_minimum_required(VERSION 3.20)
project({PACKAGE})
set(CMAKE_INSTALL_RPATH "$ORIGIN:$ORIGIN/../../..")
find_package(ament_cmake REQUIRED)
find_package(std_msgs REQUIRED)
find_package(rosidl_default_generators REQUIRED)
rosidl_generate_interfaces(${{PROJECT_NAME}}
  msg/Point2D.msg msg/Point3D.msg msg/Keypoint2D.msg msg/Keypoint3D.msg msg/Person.msg
  msg/PersonArray.msg msg/Joint.msg msg/LeanPerson.msg msg/LeanPersonArray.msg
  DEPENDENCIES std_msgs)
get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
foreach(target IN LISTS targets)
  get_target_property(folders ${{target}} INTERFACE_INCLUDE_DIRECTORIES)
  if(folders)
    set(kept "")
    foreach(folder IN LISTS folders)
      if(folder MATCHES "\\\\$<" OR EXISTS "${{folder}}")
        list(APPEND kept "${{folder}}")
      endif()
    endforeach()
    set_property(TARGET ${{target}} PROPERTY INTERFACE_INCLUDE_DIRECTORIES "${{kept}}")
  endif()
endforeach()
ament_package()
""",
    # As yolo_msgs has them: a point in each keypoint.
    'msg/Point2D.msg': 'float32 x\nfloat32 y\n',
    'msg/Point3D.msg': 'float32 x\nfloat32 y\nfloat32 z\n',
    'msg/Keypoint2D.msg': 'Point2D point\nfloat32 score\nuint8 state\n',
    'msg/Keypoint3D.msg': 'Point3D point\nuint8 state\n',
    'msg/Person.msg': """int32 track_id
uint8 track_state
float32 score
float32[4] box
Keypoint2D[] keypoints
Keypoint3D[] keypoints_3d
uint8 origin_3d
""",
    # As lean as nesting can be: one message per joint.
    'msg/Joint.msg': """float32 x
float32 y
float32 score
uint8 state
float32 x_3d
float32 y_3d
float32 z_3d
uint8 state_3d
""",
    'msg/LeanPerson.msg': """int32 track_id
uint8 track_state
float32 score
float32[4] box
Joint[] joints
uint8 origin_3d
""",
    'msg/PersonArray.msg': f'{_FRAME}Person[] persons\n',
    'msg/LeanPersonArray.msg': f'{_FRAME}LeanPerson[] persons\n',
}


def environment() -> dict[str, str]:
    """Return the variables with which Python finds the package, which is built if need be.

    Raises:
        NeuroposeError: it cannot be built or kept.
    """
    prefix = _prefix()
    package = next(iter(prefix.glob(f'lib*/python3*/*/{PACKAGE}')))
    added = {
        'PYTHONPATH': str(package.parent), 'LD_LIBRARY_PATH': str(prefix / 'lib'),
        'AMENT_PREFIX_PATH': str(prefix)}
    return {**os.environ, **{
        name: os.pathsep.join(filter(None, (value, os.environ.get(name))))
        for name, value in added.items()}}


def _prefix() -> Path:
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '')
    key = hashlib.sha256(repr((_FILES, sys.version, prefixes)).encode()).hexdigest()[:16]
    cache = cache_folder()
    folder = cache / 'bench' / f'{PACKAGE}-{key}'
    with locked(cache):
        if not (folder / 'complete').is_file():
            print(f'building {PACKAGE} in {folder} (once, about a minute)', file=sys.stderr)
            shutil.rmtree(folder, ignore_errors=True)
            with writing(cache, PACKAGE):
                for name, text in _FILES.items():
                    file = folder / 'source' / name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(text, 'utf-8')
            _cmake(folder)
            with writing(cache, PACKAGE):
                (folder / 'complete').touch()
    return folder / 'install'


def _cmake(folder: Path) -> None:
    build = str(folder / 'build')
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').replace(os.pathsep, ';')
    _step(['cmake', '-S', str(folder / 'source'), '-B', build, '-DBUILD_TESTING=OFF',
           f'-DCMAKE_INSTALL_PREFIX={folder / "install"}', f'-DCMAKE_PREFIX_PATH={prefixes}',
           f'-DPython3_EXECUTABLE={sys.executable}'])
    _step(['cmake', '--build', build, '--target', 'install'])


def _step(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, errors='replace')
    except FileNotFoundError:
        raise NeuroposeError(
            f'{PACKAGE} cannot be built: {command[0]} is not installed') from None
    if done.returncode:
        said = (done.stdout + done.stderr)[-2000:]
        raise NeuroposeError(f'{PACKAGE} cannot be built; {command[0]} says:\n{said}')
