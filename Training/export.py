"""Writes the weights with Hugging Face CLIP names, and reads them back.

    python3 export.py [--name run] [--output folder]
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from model import Filip, Shape

ROOT = Path(__file__).resolve().parent
MODEL_FOLDER = ROOT.parent / "share" / "filip" / "models" / "filip-drawn"

PREPROCESSOR = {
    "do_resize": True, "size": {"height": 128, "width": 128}, "resample": 3, "do_center_crop": False,
    "do_rescale": True, "rescale_factor": 0.00392156862745098, "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5], "image_std": [0.25098039, 0.25098039, 0.25098039], "do_convert_rgb": True}

# Name here -> name in the file, for what is not inside a block.
OUTER_NAMES = {
    "text.token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "text.position_embedding": "text_model.embeddings.position_embedding.weight",
    "text.final_layer_norm": "text_model.final_layer_norm",
    "text.projection": "text_projection",
    "text.pooled_projection": "text_pooled_projection",
    "image.patch_embedding": "vision_model.embeddings.patch_embedding",
    "image.position_embedding": "vision_model.embeddings.position_embedding.weight",
    "image.post_layernorm": "vision_model.post_layernorm",
    "image.projection": "visual_projection",
    "image.pooled_projection": "visual_pooled_projection",
}
INNER_NAMES = {"layer_norm1": "layer_norm1", "layer_norm2": "layer_norm2", "out_proj": "self_attn.out_proj",
               "fc1": "mlp.fc1", "fc2": "mlp.fc2"}
TOWERS = {"text": "text_model", "image": "vision_model"}


def exported_name(name):
    """The file's name of a parameter; `qkv_proj` is split elsewhere."""
    tower, part, *rest = name.split(".")
    if part == "layers":
        index, module, kind = rest
        return f"{TOWERS[tower]}.encoder.layers.{index}.{INNER_NAMES[module]}.{kind}"
    if name in OUTER_NAMES:
        return OUTER_NAMES[name]
    stem, kind = name.rsplit(".", 1)
    return f"{OUTER_NAMES[stem]}.{kind}"


def split_names(name):
    """File names of the thirds of a fused `qkv_proj` parameter."""
    tower, _, index, _, kind = name.split(".")
    return [f"{TOWERS[tower]}.encoder.layers.{index}.self_attn.{p}_proj.{kind}" for p in "qkv"]


def to_tensors(model):
    """Returns `{file name: fp16 tensor}`; training-only parameters are left out."""
    tensors = {}
    for name, value in model.state_dict().items():
        if name in ("prototypes", "log_scales"):
            continue
        value = value.half().contiguous()
        if ".qkv_proj." in name:
            tensors |= {n: part.contiguous().clone() for n, part in zip(split_names(name), value.chunk(3))}
        else:
            tensors[exported_name(name)] = value
    return tensors


def configuration(shape):
    return {
        "model_type": "filip", "projection_dim": shape.projection, "score_special_tokens": False, "pooling": "mean",
        "text_config": {
            "vocab_size": shape.vocabulary, "hidden_size": shape.text_width,
            "intermediate_size": 4 * shape.text_width, "num_hidden_layers": shape.text_layers,
            "num_attention_heads": shape.text_heads, "max_position_embeddings": shape.positions,
            "hidden_act": "gelu", "layer_norm_eps": 1e-5, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 0},
        "vision_config": {
            "hidden_size": shape.image_width, "intermediate_size": 4 * shape.image_width,
            "num_hidden_layers": shape.image_layers, "num_attention_heads": shape.image_heads,
            "image_size": shape.image_size, "patch_size": shape.patch_size, "num_channels": 3, "hidden_act": "gelu",
            "layer_norm_eps": 1e-5, "class_token": False, "pre_layer_norm": False, "patch_bias": True},
        "filip_domain": "drawn things, not photographs", "filip_version": "filip-drawn-1"}


def load_exported(folder=MODEL_FOLDER):
    """Reads an exported folder into a model that computes in fp32."""
    config = json.loads((folder / "config.json").read_text())
    text, vision = config["text_config"], config["vision_config"]
    shape = Shape(text["vocab_size"], config["projection_dim"], text["hidden_size"], text["num_hidden_layers"],
                  text["num_attention_heads"], text["max_position_embeddings"], vision["hidden_size"],
                  vision["num_hidden_layers"], vision["num_attention_heads"], vision["image_size"],
                  vision["patch_size"])
    model = Filip(shape, 1)
    tensors = {k: v.float() for k, v in load_file(folder / "model.safetensors").items()}
    state = {n: model.state_dict()[n] for n in ("prototypes", "log_scales")}
    for name in model.state_dict():
        if ".qkv_proj." in name:
            state[name] = torch.cat([tensors[n] for n in split_names(name)])
        elif name not in state:
            state[name] = tensors[exported_name(name)]
    model.load_state_dict(state)
    return model.eval()


def export(checkpoint, tokenizer, folder):
    """Writes config, weights, tokenizer and preprocessor settings."""
    state = torch.load(checkpoint, weights_only=True)["model"]
    shape = Shape(vocabulary=len(state["text.token_embedding.weight"]))
    model = Filip(shape, len(state["prototypes"]))
    model.load_state_dict(state)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(to_tensors(model), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(configuration(shape), indent=2) + "\n")
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR, indent=2) + "\n")
    shutil.copyfile(tokenizer, folder / "tokenizer.json")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="run")
    parser.add_argument("--output", type=Path, default=MODEL_FOLDER)
    args = parser.parse_args()
    run = ROOT / "work" / args.name
    export(run / "checkpoint.pt", run / "tokenizer.json", args.output)


if __name__ == "__main__":
    main()
