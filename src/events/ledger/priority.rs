//! Long work goes behind whoever appends or reads.

/// Lets all other threads go before the calling one, from now on. On Linux this concerns that thread alone;
/// elsewhere, and where it is not allowed, the thread takes its share like everybody else.
pub fn give_way() {
    #[cfg(target_os = "linux")]
    {
        let _priority = rustix::process::nice(10);
    }
}
