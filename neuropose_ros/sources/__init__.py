"""Where frames come from: cameras, files, streams, folders and a synthetic subject."""
