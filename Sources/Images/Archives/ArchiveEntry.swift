/// An entry of an archive of several files.
struct ArchiveEntry: Hashable, Sendable {
    /// Position in the list that it comes from, from 0.
    let index: Int
    let name: String
    /// In bytes, if the archive says so before the data.
    let size: Int64?
    let isFile: Bool
    let isEncrypted: Bool
}
