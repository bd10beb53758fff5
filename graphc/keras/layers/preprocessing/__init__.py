"""Layers that turn raw data into what models take: scaled numbers, codes, images of one size, augmented images."""
