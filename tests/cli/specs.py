"""Specs of these tests' own, so that the examples may change."""

from __future__ import annotations

# everything fits 16k of L1; with 8k, tensors live in L2
CNN = """
name: small_cnn
input: {shape: [1, 8, 8]}
layers:
  - {name: c1, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {name: r1, type: relu}
  - {name: c2, type: conv2d, out_channels: 8, kernel_size: 3, padding: 1}
  - {name: a1, type: add, inputs: [r1, c2]}
  - {type: max_pool2d, kernel_size: 2}
  - {type: flatten}
  - {name: fc, type: linear, out_features: 4}
training: {loss: cross_entropy, optimizer: {type: sgd, lr: 0.02}, epochs: 3}
"""
IN_L1, IN_L2, TOO_SMALL = "24k", "3k", "64"

PREDICTS = """
name: predicts
input: {shape: [4]}
layers:
  - {name: fc, type: linear, out_features: 3, trainable: false}
training: {epochs: 0}
"""
