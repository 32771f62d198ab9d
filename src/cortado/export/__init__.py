"""Trained nets for other programs: ONNX files, and weights as safetensors and .npz."""
