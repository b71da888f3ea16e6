"""`make bench-server`: nearfar-cloud beside another Python server, an echo, and onnxruntime with nothing around it.

Contenders take turns in one run and are told as ratios: on a machine that also generates the load, absolute figures
move by a third from one run to the next, and ratios by a tenth."""
