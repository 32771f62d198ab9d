"""What the layer types are in ONNX: mappings by type, one file per family.

Each file is a plugin: its hook ``cortado_exporters`` gives functions by layer type, which get a ``LayerExport``.
"""
