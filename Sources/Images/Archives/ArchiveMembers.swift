import Text
import CArchive
package import Diagnostics
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Reads small files from an ar or tar archive in memory, compressed or not.
package enum ArchiveMembers {
    /// In bytes: larger members are left out.
    private static let limit = 16 << 20

    /// The contents of the members of `archive` whose names (without "./") are `wanted`; messages call the archive
    /// `name`.
    package static func read(
        _ archive: [UInt8], name: String, wanted: (String) -> Bool
    ) throws(Failure) -> [String: [UInt8]] {
        guard let handle = archive_read_new() else { throw Failure(.system, "libarchive has no memory") }
        defer { archive_read_free(handle) }
        archive_read_support_filter_all(handle)
        archive_read_support_format_ar(handle)
        archive_read_support_format_tar(handle)
        var members: [String: [UInt8]] = [:]
        var isRead = true
        archive.withUnsafeBytes { bytes in
            guard archive_read_open_memory(handle, bytes.baseAddress, bytes.count) == ARCHIVE_OK else {
                isRead = false
                return
            }
            var entry: OpaquePointer?
            walk: while true {
                switch archive_read_next_header(handle, &entry) {
                case ARCHIVE_OK, ARCHIVE_WARN: break
                case ARCHIVE_EOF: break walk
                default:
                    isRead = false
                    break walk
                }
                guard let text = archive_entry_pathname(entry) else { continue }
                var path = String(cString: text)
                if path.begins(with: "./") { path.removeFirst(2) }
                guard wanted(path), archive_entry_filetype(entry) == carchive_ifreg(),
                    archive_entry_size(entry) <= limit
                else { continue }
                var contents = [UInt8](repeating: 0, count: Int(archive_entry_size(entry)))
                let count = contents.withUnsafeMutableBytes { archive_read_data(handle, $0.baseAddress, $0.count) }
                guard count == contents.count else {
                    isRead = false
                    break walk
                }
                members[path] = contents
            }
        }
        guard isRead else {
            let reason = archive_error_string(handle).map { String(cString: $0).lowercased() } ?? "it is truncated"
            throw Failure(.corruptArchive, "\(name) cannot be read: \(reason)")
        }
        return members
    }
}
