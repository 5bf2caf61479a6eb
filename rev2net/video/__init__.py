"""Videos as frames: decoding by ffmpeg, single images, and the ledger of what could be read."""

from rev2net.video.decoding import decode, iter_frames, probe

__all__ = ["decode", "iter_frames", "probe"]
