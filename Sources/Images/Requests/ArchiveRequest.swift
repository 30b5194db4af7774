import Host
import SystemPackage

/// What is asked of a confined process that reads archives.
enum ArchiveRequest: Int {
    /// Finds the image in a packed file, which comes along.
    case find
    /// Says how much room it takes.
    case measure
    /// Unpacks it into the file that comes along.
    case unpack
    /// Says how a file that comes along is packed.
    case packing
    /// Reads members of an archive that comes along.
    case members

    /// What the confined process asks meanwhile.
    enum Question: Int {
        /// How far unpacking is. The answer is empty: go on.
        case progress
        /// Whether the caller wants the member of a name.
        case wanted
    }

    /// About the file at `path`.
    func values(_ path: FilePath) -> PackedValues {
        var values = PackedValues()
        values.add(rawValue)
        values.add(path.string)
        return values
    }
}
