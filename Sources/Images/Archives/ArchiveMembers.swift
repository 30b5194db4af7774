import Text
import CArchive
package import Diagnostics
import Host
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Reads small files from an ar or tar archive in memory, compressed or not.
///
/// Somebody else may have made the archive. So only formats that libarchive unpacks itself are enabled: for others, such
/// as lrzip and lzop, it would run a program that it finds in PATH.
package enum ArchiveMembers {
    /// In bytes: larger members are left out.
    private static let limit = 16 << 20
    /// In bytes, for all wanted members together.
    private static let totalLimit = 64 << 20
    /// In bytes, unpacked. The image of the largest Linux distribution with all of its tools has a tenth of that; a file of
    /// 2 MB can unpack to 60 GB.
    private static let unpackedLimit: Int64 = 64 << 30

    /// The contents of the members of `archive` whose names (without "./") are `wanted`; messages call the archive
    /// `name`.
    package static func read(
        _ archive: [UInt8], name: String, isCancelled: @escaping () -> Bool, wanted: (String) -> Bool
    ) throws(Failure) -> [String: [UInt8]] {
        guard Confinement.isUsed else {
            return try readHere(archive, name: name, isCancelled: isCancelled, wanted: wanted)
        }
        let file = try MemoryFile(archive)
        var result = try ConfinedProcess(.archive).call(
            ArchiveRequest.members.values(FilePath(name)), passing: file.descriptor
        ) { (question) throws(Failure) in
            var values = UnpackedValues(question)
            switch ArchiveRequest.Question(rawValue: try values.number(Int.self)) {
            case .wanted: return [wanted(try values.text()) ? 1 : 0]
            case .progress:
                if isCancelled() { throw Failure.stopped("while reading \(name)") }
                return []
            case nil: throw UnpackedValues.malformed
            }
        }
        var members: [String: [UInt8]] = [:]
        for _ in 0..<(try result.count(ofAtLeast: 16)) { members[try result.text()] = try result.contents() }
        return members
    }

    static func readHere(
        _ archive: [UInt8], name: String, isCancelled: @escaping () -> Bool, wanted: (String) -> Bool
    ) throws(Failure) -> [String: [UInt8]] {
        guard let handle = archive_read_new() else { throw Failure(.system, "libarchive has no memory") }
        defer { archive_read_free(handle) }
        for enable in [
            archive_read_support_filter_gzip, archive_read_support_filter_xz, archive_read_support_filter_zstd,
            archive_read_support_filter_bzip2, archive_read_support_format_ar, archive_read_support_format_tar,
        ] { _ = enable(handle) }
        var members: [String: [UInt8]] = [:]
        var total = 0
        var isRead = true
        let feed = Feed(isCancelled)
        archive.withUnsafeBytes { bytes in
            feed.rest = bytes[...]
            defer { feed.rest = UnsafeRawBufferPointer(start: nil, count: 0)[...] }
            guard
                archive_read_open(handle, Unmanaged.passUnretained(feed).toOpaque(), nil, Feed.next, nil) == ARCHIVE_OK
            else {
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
                let size = Int(clamping: archive_entry_size(entry))
                guard wanted(path), archive_entry_filetype(entry) == carchive_ifreg(), (0...limit).contains(size)
                else { continue }
                total += size
                guard total <= totalLimit else {
                    isRead = false
                    break walk
                }
                var contents = [UInt8](repeating: 0, count: size)
                let count = contents.withUnsafeMutableBytes { archive_read_data(handle, $0.baseAddress, $0.count) }
                guard count == contents.count else {
                    isRead = false
                    break walk
                }
                members[path] = contents
            }
        }
        if feed.wasCancelled { throw Failure.stopped("while reading \(name)") }
        guard isRead, archive_filter_bytes(handle, 0) <= unpackedLimit else {
            let reason = archive_error_string(handle).map { String(cString: $0).lowercased() }
            throw Failure(
                .corruptArchive,
                "\(name) cannot be read: \(feed.isTooLarge || total > totalLimit ? "it unpacks to too much" : reason ?? "it is truncated")"
            )
        }
        return members
    }

    /// Gives libarchive the archive in small parts: between them it is asked whether the user wants to stop, and how much
    /// has been unpacked. libarchive itself does not come back before a member of any size is passed.
    private final class Feed {
        /// In bytes: zstd makes at most some hundreds of MB of it.
        private static let part = 16 << 10

        var rest = UnsafeRawBufferPointer(start: nil, count: 0)[...]
        private(set) var wasCancelled = false
        private(set) var isTooLarge = false
        private let isCancelled: () -> Bool

        init(_ isCancelled: @escaping () -> Bool) { self.isCancelled = isCancelled }

        static let next:
            @convention(c) (
                OpaquePointer?, UnsafeMutableRawPointer?, UnsafeMutablePointer<UnsafeRawPointer?>?
            ) -> la_ssize_t = { handle, context, buffer in
                guard let context else { return -1 }
                let feed = Unmanaged<Feed>.fromOpaque(context).takeUnretainedValue()
                feed.isTooLarge = archive_filter_bytes(handle, 0) > ArchiveMembers.unpackedLimit
                feed.wasCancelled = feed.isCancelled()
                guard !feed.isTooLarge, !feed.wasCancelled else { return -1 }
                let part = feed.rest.prefix(Feed.part)
                feed.rest = feed.rest.dropFirst(Feed.part)
                buffer?.pointee = UnsafeRawBufferPointer(rebasing: part).baseAddress
                return part.count
            }
    }
}
