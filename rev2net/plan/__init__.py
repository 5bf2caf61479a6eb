"""What a configuration will cost before it starts: jobs, hours, disk and memory."""
