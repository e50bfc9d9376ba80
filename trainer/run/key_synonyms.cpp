#include "trainer/run/key_synonyms.h"

namespace lodestone::run {

namespace {

const KeySynonym kRows[] = {
    // Optimizer.
    {.words = "lr base_lr initial_lr max_lr peak_lr learning-rate", .keys = {"optimizer.learning_rate"}},
    {.words = "wd l2 decay", .keys = {"optimizer.weight_decay"}},
    {.words = "momentum", .keys = {"optimizer.momentum"}},
    {.words = "betas", .keys = {"optimizer.beta1", "optimizer.beta2"}, .note = "two keys, one number each"},
    {.words = "eps adam_epsilon", .keys = {"optimizer.epsilon"}},
    {.words = "grad_clip clip_grad clip_grad_norm max_grad_norm gradient_clip_val gradient_clipping",
     .keys = {"optimizer.clip_norm"}},
    {.words = "optim", .keys = {"optimizer"}},
    // Schedule.
    {.words = "epochs epoch num_epochs n_epochs max_epochs num_train_epochs",
     .keys = {"schedule.steps"},
     .note = "one step is one global batch: steps = epochs * samples / global_batch"},
    {.words = "iterations iters max_iters max_iterations max_steps num_steps total_steps train_steps",
     .keys = {"schedule.steps"}},
    {.words = "lr_scheduler scheduler lr_schedule lr_scheduler_type lr_policy", .keys = {"schedule.shape"}},
    {.words = "warmup num_warmup_steps warmup_iters", .keys = {"schedule.warmup_steps"}},
    {.words = "warmup_ratio warmup_epochs", .keys = {"schedule.warmup_steps"}, .note = "in steps"},
    {.words = "min_lr lr_min eta_min lr_end",
     .keys = {"schedule.final_fraction"},
     .note = "a fraction of optimizer.learning_rate"},
    {.words = "gamma lr_decay lr_gamma", .keys = {"schedule.drop"}},
    // Batch.
    {.words = "batch_size batch train_batch_size per_device_train_batch_size total_batch_size",
     .keys = {"global_batch"},
     .note = "the rows of all ranks together"},
    {.words = "gradient_accumulation_steps accumulate_grad_batches accumulation_steps grad_accum",
     .keys = {"micro_batch"},
     .note = "rows that are encoded at a time; the loss is still over global_batch"},
    {.words = "micro_batch_size mini_batch_size minibatch", .keys = {"micro_batch"}},
    {.words = "k instances_per_class num_instances n_per_class m_per_class images_per_class",
     .keys = {"sampler.samples_per_class"}},
    {.words = "p classes_per_batch num_classes_per_batch",
     .keys = {"global_batch"},
     .note = "classes * sampler.samples_per_class"},
    {.words = "shuffle batch_sampler", .keys = {"sampler.name"}},
    // Encoder.
    {.words = "backbone model arch architecture network net", .keys = {"encoder"}},
    {.words = "model_name model_type backbone_name", .keys = {"encoder.name"}},
    {.words = "pretrained weights init_checkpoint model_name_or_path model_path load_from",
     .keys = {"encoder.init_from"},
     .note = "a file of safetensors, or a folder with one"},
    {.words = "freeze freeze_layers", .keys = {"encoder.frozen"}, .note = "globs of parameter names"},
    {.words = "embedding_dim embedding_size embed_dim emb_dim emb_size output_dim projection_dim feature_dim "
              "out_dim dim",
     .keys = {"encoder.embedding", "encoder.head.embedding"}},
    {.words = "sync_bn sync_batchnorm", .keys = {"batch_norm"}, .note = "batch_norm: sync"},
    // Loss and miner.
    {.words = "criterion loss_fn objective loss_function", .keys = {"loss"}},
    {.words = "loss_name loss_type", .keys = {"loss.name"}},
    {.words = "temperature temp tau t", .keys = {"loss.temperature"}},
    {.words = "logit_scale", .keys = {"loss.learn_temperature"}},
    {.words = "margin", .keys = {"loss.margin"}},
    {.words = "mining mining_strategy hard_negatives hard_negative_mining", .keys = {"miner"}},
    {.words = "normalize_embeddings l2_normalize normalise", .keys = {"normalize"}},
    {.words = "memory_bank xbm moco", .keys = {"memory.kind"}},
    {.words = "queue_size memory_size bank_size", .keys = {"memory.size"}},
    {.words = "moco_momentum", .keys = {"memory.momentum"}},
    // Data.
    {.words = "dataset datasets", .keys = {"data"}},
    {.words = "train_dir train_path train_file train_data train_root data_dir data_path dataset_path",
     .keys = {"data.train.path"}},
    {.words = "val_dir val_path val_data test_dir test_path test_data eval_dir eval_data eval_path valid_dir",
     .keys = {"evaluate.data.path"}},
    {.words = "val eval validation test", .keys = {"evaluate"}},
    {.words = "data_root root_dir", .keys = {"data.root"}},
    {.words = "pairs triplets", .keys = {"data.tuples"}},
    {.words = "num_workers workers n_workers dataloader_num_workers", .keys = {"data.loader.workers"}},
    {.words = "prefetch prefetch_factor",
     .keys = {"data.loader.depth"},
     .note = "batches that are ready in advance"},
    // Images.
    {.words = "image_size img_size input_size resolution imgsz resize crop_size",
     .keys = {"data.image.width", "data.image.height"}},
    {.words = "in_channels num_channels in_chans", .keys = {"data.image.channels"}},
    {.words = "augmentation augmentations augment transforms transform", .keys = {"data.image"}},
    {.words = "hflip horizontal_flip random_flip", .keys = {"data.image.flip"}},
    {.words = "color_jitter colour_jitter", .keys = {"data.image.jitter"}},
    {.words = "random_erasing cutout", .keys = {"data.image.erase"}},
    {.words = "gaussian_blur", .keys = {"data.image.blur"}},
    {.words = "random_crop random_resized_crop", .keys = {"data.image.crop"}},
    {.words = "grayscale greyscale random_grayscale", .keys = {"data.image.grey"}},
    // Texts.
    {.words = "max_length max_len max_seq_length max_seq_len seq_len seq_length model_max_length",
     .keys = {"data.text.tokenizer.max_tokens"}},
    {.words = "vocab vocab_file vocabulary tokenizer_file tokenizer_path",
     .keys = {"data.text.tokenizer.path"}},
    {.words = "lowercase do_lower_case", .keys = {"data.text.tokenizer.lower_case"}},
    {.words = "text_column text_columns", .keys = {"data.text.columns"}},
    // Machine.
    {.words = "seed random_seed manual_seed random_state", .keys = {"seed"}},
    {.words = "device gpu use_gpu cuda use_cuda accelerator",
     .keys = {"distributed.device"},
     .note = "cpu, cuda or auto"},
    {.words = "gpus num_gpus n_gpus devices nproc nproc_per_node world_size ranks",
     .keys = {},
     .note = "the number of ranks is the launcher's: mpirun -n, srun -n or lodestone launch --ranks"},
    {.words = "amp fp16 bf16 mixed_precision half use_amp dtype",
     .keys = {"precision"},
     .note = "float32, bfloat16 or float16"},
    {.words = "gradient_checkpointing grad_checkpointing", .keys = {"activation_checkpointing"}},
    {.words = "num_threads n_threads", .keys = {"threads"}},
    {.words = "dist_backend", .keys = {"distributed.backend"}},
    // Run.
    {.words = "output_dir save_dir work_dir log_dir exp_dir experiment exp_name run_name",
     .keys = {"run_dir"}},
    {.words = "save_steps save_every save_interval checkpoint_every save_freq",
     .keys = {"checkpoint.every_steps"}},
    {.words = "save_total_limit keep", .keys = {"checkpoint.keep_last"}},
    {.words = "eval_steps eval_every eval_interval val_interval eval_freq evaluation_strategy",
     .keys = {"evaluate.every"}},
    {.words = "ema_decay model_ema", .keys = {"ema.decay"}},
    {.words = "logger loggers tensorboard", .keys = {"report_to"}},
    {.words = "resume resume_from",
     .keys = {},
     .note = "a run resumes by itself; `lodestone train --resume` names another checkpoint, or none"},
};

}  // namespace

std::span<const KeySynonym> key_synonyms() {
  return kRows;
}

}  // namespace lodestone::run
