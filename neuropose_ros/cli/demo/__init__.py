"""Show the whole graph at work and measure it: video, plot, CSV and a summary.

Starts camera, pose and refinement as `neuropose up` does, listens to them from outside over
ROS 2, and computes everything it reports from what it received. Without --source it plays a
synthetic walker whose true joints and cadence are known, in a fixed list of scenes.

Files in --out:
  annotated.mp4   the images with the refined poses, at the times of acquisition
  keypoints.png   joints over time: measured, not measured, and true
  keypoints.csv   one row per joint (and one without joint for a frame without people):
                  stamp_ns (acquisition, ROS time), frame_seq, epoch, scene,
                  stage (refinement or truth), status (of the frame), track_id, track_state,
                  joint, x_px, y_px (centre of the top-left pixel is 0, 0), score (0..1),
                  state (MEASURED, PREDICTED, OCCLUDED, ...; see Person.msg)
"""

from neuropose_ros.cli.demo.command import add_arguments, run

__all__ = ['add_arguments', 'run']
