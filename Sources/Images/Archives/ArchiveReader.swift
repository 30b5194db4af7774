import CArchive
import Diagnostics
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// One pass over an image's archive with libarchive, whose handle it owns.
struct ArchiveReader: ~Copyable {
    private let handle: OpaquePointer
    private let path: FilePath
    private let format: ImageSource.Format
    private var index = -1

    /// Entry names are UTF-8, whatever the user's locale is. In the C locale, in which a process starts, libarchive
    /// returns only ASCII names.
    private static let locale: Void = { _ = setlocale(LC_CTYPE, "C.UTF-8") }()

    /// - Parameter members: Whether a compressed file is read as the tar archive in it, and not as one stream.
    init(_ source: ImageSource, members: Bool) throws(Failure) {
        _ = Self.locale
        guard let handle = archive_read_new() else { throw Failure(.system, "libarchive has no memory") }
        let enabled =
            switch source.format {
            // Only by the directory at its end, never by the entries in order: a truncated archive has no directory.
            case .zip: archive_read_support_format_zip_seekable(handle)
            case .sevenZip: archive_read_support_format_7zip(handle)
            case .xz: archive_read_support_filter_xz(handle)
            case .gzip: archive_read_support_filter_gzip(handle)
            case .bzip2: archive_read_support_filter_bzip2(handle)
            case .zstd: archive_read_support_filter_zstd(handle)
            case .lz4: archive_read_support_filter_lz4(handle)
            case .tar, .raw: ARCHIVE_OK
            }
        // A warning means that libarchive was built without the library, and would run a program that it finds in PATH.
        guard enabled == ARCHIVE_OK else {
            archive_read_free(handle)
            throw .unsupportedArchive(source.path, "this libarchive cannot unpack \(source.format.rawValue)")
        }
        if members, !source.format.hasEntries || source.format == .tar {
            archive_read_support_format_tar(handle)
            // What follows the end of the archive is read, too: the checksum of the compressed stream is there.
            archive_read_set_format_option(handle, "tar", "read_concatenated_archives", "1")
        } else if !source.format.hasEntries {
            archive_read_support_format_raw(handle)
        }
        // 1 MiB for each read: fewer system calls than with the default of 10 KiB, and small compared with an image.
        // libarchive moves the offset of the open file, and begins where that is. One reader at a time uses it; all else
        // reads the file by its own offsets.
        let file = source.file.descriptor
        guard lseek(file.rawValue, 0, SEEK_SET) == 0, archive_read_open_fd(handle, file.rawValue, 1 << 20) == ARCHIVE_OK
        else {
            let failure = Self.explain(handle, source.path, source.format)
            archive_read_free(handle)
            throw failure
        }
        self.handle = handle
        path = source.path
        format = source.format
    }

    deinit { archive_read_free(handle) }

    mutating func next() throws(Failure) -> ArchiveEntry? {
        var entry: OpaquePointer?
        switch archive_read_next_header(handle, &entry) {
        case ARCHIVE_OK, ARCHIVE_WARN: break
        case ARCHIVE_EOF: return nil
        default: throw Self.explain(handle, path, format)
        }
        index += 1
        let name = archive_entry_pathname_utf8(entry) ?? archive_entry_pathname(entry)
        return ArchiveEntry(
            index: index, name: name.map { String(cString: $0) } ?? "entry \(index + 1)",
            size: archive_entry_size_is_set(entry) != 0 ? archive_entry_size(entry) : nil,
            isFile: archive_entry_filetype(entry) == carchive_ifreg(),
            isEncrypted: archive_entry_is_data_encrypted(entry) != 0)
    }

    /// Calls `body` with each block of the current entry, without copying it: the bytes, their offset, and how many
    /// bytes of the archive have been read so far.
    mutating func forEachBlock(_ body: (UnsafeRawBufferPointer, Int64, _ consumed: Int64) throws -> Void) throws {
        while true {
            var block: UnsafeRawPointer?
            var size = 0
            var offset: la_int64_t = 0
            switch archive_read_data_block(handle, &block, &size, &offset) {
            case ARCHIVE_OK:
                try body(UnsafeRawBufferPointer(start: block, count: size), offset, archive_filter_bytes(handle, -1))
            case ARCHIVE_EOF: return
            // Also a warning: libarchive reports a wrong checksum in a zip as one.
            default: throw Self.explain(handle, path, format)
            }
        }
    }

    /// Throws if the compressed stream ended before the file did: libarchive ignores what it cannot read there, but it
    /// may be the beginning of a truncated further stream.
    func checkEnd(of source: ImageSource) throws(Failure) {
        let end = archive_filter_bytes(handle, -1)
        guard !source.format.hasEntries, end < source.size, try !source.isZero(from: end) else { return }
        throw .trailingBytes(source.size - end, in: source)
    }

    private static func explain(
        _ handle: OpaquePointer, _ path: FilePath, _ format: ImageSource.Format
    ) -> Failure {
        // libarchive has no message for a missing gzip trailer.
        let text = archive_error_string(handle).map { String(cString: $0) } ?? "truncated trailer"
        let lower = text.lowercased()
        if lower.contains("encrypt") || lower.contains("passphrase") { return .encryptedArchive(path) }
        if lower.contains("too much memory") {
            return .unsupportedArchive(path, "its window takes more than 128 MiB of memory", with: "zstd -d --long=31")
        }
        if lower.contains("unsupported") {
            return .unsupportedArchive(path, lower, with: format == .zip ? "unzip" : "7z x")
        }
        if lower.contains("truncated") || lower.contains("premature") || lower.contains("unexpected end")
            || lower.contains("ended before") || lower.contains("no progress is possible")
            || lower.contains("unrecognized archive format")
        {
            return .truncatedArchive(path, text)
        }
        return .damagedArchive(path, text)
    }
}
