//! What is true now: folds over events, checkpointed and rebuildable.
