"""What is compared with what: one group is one loss of Lodestone and the peers that compute it."""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Peer:
    """A contestant: its name in tables, its function in tasks.py, and what to expect of it."""

    name: str
    task: str
    same: bool = True  # the same formula, so that the losses must agree
    growth: float = 2  # its memory grows about like this power of N


@dataclass(frozen=True)
class Group:
    """A loss and a miner of Lodestone with their settings, the rows, and the peers."""

    key: str
    title: str
    loss: str
    rows: str  # fours, pairs or towers: see rows.py
    peers: tuple[Peer, ...]
    miner: str = "all"
    settings: dict[str, float | str] = field(default_factory=dict)


MARGIN = {"loss.margin": 0.2}
BOTH_MARGINS = MARGIN | {"miner.margin": 0.2}
EASY_SEMI_HARD = "PML TripletMarginLoss + BatchEasyHardMiner"
# PML lists all triplets in N^3 bytes up to N = 1,290, and beyond that anchor by anchor, like N^2:
# from 1,024 to 4,096 rows its memory only doubles.
TRIPLETS = 1.5
ALL_SEMI_HARD = "PML TripletMarginLoss + TripletMarginMiner"

GROUPS = (
    Group("infonce", "InfoNCE, 2 per class", "infonce", "pairs", (
        Peer("PML NTXentLoss", "pml_nt_xent", growth=3),
        Peer("lightly NTXentLoss", "lightly_nt_xent"),
        Peer("torch, naive", "torch_nt_xent"),
    ), settings={"loss.temperature": 0.07}),
    Group("supcon", "SupCon", "supcon", "fours", (
        Peer("PML SupConLoss", "pml_supcon"),
        Peer("torch, naive", "torch_supcon"),
    ), settings={"loss.temperature": 0.1}),
    Group("clip", "CLIP, two towers", "clip", "towers", (
        Peer("OpenCLIP ClipLoss", "open_clip_clip"),
        Peer("torch, naive", "torch_clip"),
    ), settings={"loss.temperature": 0.07}),
    Group("ranking", "CLIP, fixed scale 20", "clip", "towers", (
        Peer("sentence-transformers MNRL, both ways", "ranking_both_ways"),
        Peer("sentence-transformers MNRL, one way", "ranking_one_way", same=False),
    ), settings={"loss.temperature": 0.05, "loss.learn_temperature": "false"}),
    Group("siglip", "SigLIP, two towers", "siglip", "towers", (
        Peer("OpenCLIP SigLipLoss", "open_clip_siglip"),
    ), settings={"loss.temperature": 0.1}),
    Group("batch_hard", "Triplet, batch-hard", "triplet", "fours", (
        Peer("PML TripletMarginLoss + BatchHardMiner", "pml_batch_hard"),
        Peer("torch, indices only", "torch_batch_hard"),
    ), "batch_hard", MARGIN),
    Group("semi_hard", "Triplet, semi-hard", "triplet", "fours", (
        Peer(EASY_SEMI_HARD, "pml_easy_semi_hard", same=False),
        Peer(ALL_SEMI_HARD, "pml_all_semi_hard", same=False, growth=TRIPLETS),
    ), "semi_hard", BOTH_MARGINS),
    Group("semi_hard_pairs", "Triplet, semi-hard, 2 per class", "triplet", "pairs", (
        Peer(EASY_SEMI_HARD, "pml_easy_semi_hard"),
        Peer(ALL_SEMI_HARD, "pml_all_semi_hard", same=False, growth=TRIPLETS),
    ), "semi_hard", BOTH_MARGINS),
    Group("triplet", "Triplet, all", "triplet", "fours", (
        Peer("PML TripletMarginLoss", "pml_triplet", growth=TRIPLETS),
    ), settings=MARGIN),
    Group("multi_similarity", "Multi-similarity", "multi_similarity", "fours", (
        Peer("PML MultiSimilarityLoss", "pml_multi_similarity"),
    )),
    Group("mined_multi_similarity", "Multi-similarity, mined", "multi_similarity", "fours", (
        Peer("PML MultiSimilarityLoss + MultiSimilarityMiner", "pml_mined_multi_similarity"),
    ), "multi_similarity", {"miner.epsilon": 0.1}),
    Group("circle", "Circle", "circle", "fours", (
        Peer("PML CircleLoss", "pml_circle"),
    ), settings={"loss.margin": 0.4, "loss.gamma": 80}),
    Group("contrastive", "Contrastive", "contrastive", "fours", (
        Peer("PML ContrastiveLoss", "pml_contrastive"),
    ), settings={"loss.margin": 1}),
)
