"""Readers of recorded traces: lines of bytes in, numbers out, or the line at fault and what is wrong with it. Pure.

They read as the lines come, keep numbers only, and give up at the first line that is not what it should be: a trace
that is half understood would be another world than the recorded one. No error repeats what stands in a line."""
