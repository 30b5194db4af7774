/// One of the equal parts of a FAT directory: a short entry, or a part of a long name.
enum DirectorySlot {
    /// In bytes.
    static let size = 32
}
