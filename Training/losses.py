"""The losses of both stages. Shapes: b images, o objects, p phrases, t tokens."""

import torch
import torch.nn.functional as F

HIDDEN = -1e4


def group_mean(rows, group, count):
    """Means [count, d] of the rows [t, d] by their group number (>= 0)."""
    sums = rows.new_zeros(count, rows.shape[1]).index_add(0, group, rows)
    sizes = rows.new_zeros(count).index_add(0, group, rows.new_ones(len(rows)))
    return sums / sizes.clamp(min=1)[:, None]


def region_vectors(patches, batch):
    """[o, d]: coverage-weighted means of patch vectors, normalised."""
    weights = batch["coverage"] + 1e-6
    weights = weights / weights.sum(1, keepdim=True)
    regions = torch.einsum("op,opd->od", weights, patches[batch["object_image"]])
    return F.normalize(regions, dim=-1)


def phrase_vectors(tokens, batch, count):
    """[p, d]: means of each phrase's token vectors, normalised."""
    inside = batch["token_phrase"] >= 0
    return F.normalize(group_mean(tokens[inside], batch["token_phrase"][inside], count), dim=-1)


def multi_positive(logits, positives):
    """-log of the softmax mass on the positives, over rows that have any."""
    kept = positives.any(1)
    if not kept.any():
        return logits.sum() * 0
    logits, positives = logits[kept], positives[kept]
    mass = logits.masked_fill(~positives, HIDDEN).logsumexp(1)
    return (logits.logsumexp(1) - mass).mean()


def contrast(scores, truth):
    """Both directions of image-caption cross entropy; [2b, b] scores.

    Rows are b true captions, then b false variants. Other pairs known to be
    true are hidden.
    """
    b = scores.shape[1]
    own = torch.eye(b, dtype=torch.bool)
    target = torch.arange(b)
    other = truth.clone()
    other[:b] &= ~own
    scores = scores.masked_fill(other, HIDDEN)
    return F.cross_entropy(scores[:b], target) + F.cross_entropy(scores.T, target)


def encode_tokens(model, batch):
    """Valid token vectors [t, d] and pooled texts [captions, d]."""
    tokens, pooled = model.text(batch["ids"], batch["ends"])
    return tokens.flatten(0, 1)[batch["token_position"]], pooled


def class_terms(model, patches, batch):
    """Regions, their class loss and the class accuracy.

    An object among n counts 1/sqrt(n), so that the many small things of a
    mosaic do not drown the few big ones of a scene.
    """
    regions = region_vectors(patches, batch)
    logits = model.scale("class") * regions @ F.normalize(model.prototypes, dim=-1).T
    accuracy = (logits.argmax(1) == batch["object_class"]).float().mean()
    weights = batch["object_image"].bincount()[batch["object_image"]] ** -0.5
    losses = F.cross_entropy(logits, batch["object_class"], reduction="none")
    return regions, (losses * weights).sum() / weights.sum(), accuracy


def mosaic_loss(model, batch):
    """Stage A: regions and phrases against class prototypes."""
    patches, _ = model.image(batch["pixels"])
    _, class_loss, accuracy = class_terms(model, patches, batch)
    tokens, _ = encode_tokens(model, batch)
    phrases = phrase_vectors(tokens, batch, len(batch["phrase_class"]))
    logits = model.scale("class") * phrases @ F.normalize(model.prototypes, dim=-1).T
    text_loss = multi_positive(logits, batch["phrase_class"])
    return class_loss + 0.5 * text_loss, {"mosaic_class": class_loss, "mosaic_text": text_loss,
                                          "mosaic_accuracy": accuracy}


def scene_loss(model, batch):
    """Stage B: late interaction, pooled, region-phrase, pointing and class."""
    patches, pooled_images = model.image(batch["pixels"])
    tokens, pooled_texts = encode_tokens(model, batch)
    b, captions, phrases = len(patches), len(batch["ids"]), len(batch["phrase_object"])

    similarity = (tokens @ patches.flatten(0, 1).T).view(len(tokens), b, -1)
    best = similarity.max(-1).values
    late = contrast(model.scale("late") * group_mean(best, batch["token_caption"], captions), batch["truth"])
    pooled = contrast(model.scale("pooled") * pooled_texts @ pooled_images.T, batch["truth"])

    regions, class_loss, accuracy = class_terms(model, patches, batch)
    named = phrase_vectors(tokens, batch, phrases)
    name_loss = multi_positive(model.scale("class") * named @ F.normalize(model.prototypes, dim=-1).T,
                               batch["phrase_class"])
    logits = model.scale("region") * named @ regions.T
    region = multi_positive(logits, batch["phrase_object"]) + multi_positive(logits.T, batch["phrase_object"].T)

    owner = batch["token_phrase"]
    rows = (owner >= 0) & (batch["token_caption"] < b)
    own = similarity[rows, batch["token_caption"][rows]]
    pointing = multi_positive(model.scale("late") * own, batch["phrase_patches"][owner[rows]])

    # Recognition limits the ranking, and its gradient is the least noisy one.
    loss = 0.6 * late + 0.3 * pooled + 0.6 * region + 0.4 * pointing + 3.0 * class_loss + 0.25 * name_loss
    return loss, {"late": late, "pooled": pooled, "region": region, "pointing": pointing,
                  "name": name_loss, "class": class_loss, "accuracy": accuracy}
