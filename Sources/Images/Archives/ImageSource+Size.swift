import Diagnostics
import Storage

extension ImageSource {
    /// In bytes: how long `entry` will be when it is unpacked, where the file says so beforehand. Unpacking proves it.
    ///
    /// A gzip trailer knows the size only modulo 2^32, and of its last member alone (RFC 1952, 2.3.1); bzip2 and most
    /// zstd frames know none.
    func unpackedSize(of entry: ArchiveReader.Entry) throws(Failure) -> Int64? {
        switch format {
        case .zip: entry.size
        case .xz: try XZIndex(of: ImageFile(opening: path))?.unpackedSize
        case .raw: size
        case .gzip, .bzip2, .zstd: nil
        }
    }
}
