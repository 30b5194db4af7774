import CBlkid
import Host
package import Diagnostics
package import SystemPackage

extension FilesystemSignature {
    /// What the bytes `range` of the file or device hold (nil: all of them), or nil when libblkid recognises nothing.
    ///
    /// Throws `.ambiguousFilesystem` when it recognises more than one file system in the same place, `.system` when the
    /// file or device cannot be read.
    package static func probe(_ path: FilePath, range: Range<Int64>?) throws(Failure) -> FilesystemSignature? {
        try BlkidProbe.withDescriptor(path) { descriptor throws(Failure) in
            Confinement.isUsed
                ? try FilesystemTask.signature(descriptor, path: path, range: range)
                : try probe(descriptor, path: path, range: range)
        }
    }

    static func probe(
        _ descriptor: FileDescriptor, path: FilePath, range: Range<Int64>?
    ) throws(Failure) -> FilesystemSignature? {
        // libblkid takes size 0 for "to the end".
        if let range, range.isEmpty { return nil }
        let probe = try BlkidProbe(
            descriptor, path: path, offset: range?.lowerBound ?? 0, size: Int64(range?.count ?? 0))
        blkid_probe_enable_superblocks(probe.handle, 1)
        blkid_probe_set_superblocks_flags(probe.handle, cblkid_sublks_default() | BLKID_SUBLKS_VERSION)
        // blkid_do_safeprobe (libblkid/src/probe.c): 0 found, 1 nothing, -2 more than one, -1 error.
        switch blkid_do_safeprobe(probe.handle) {
        case 0: break
        case 1: return nil
        case -2:
            throw Failure(
                .ambiguousFilesystem, "\(path) has traces of more than one file system in the same place",
                hint: "`wipefs` shows them")
        default:
            throw Failure(.system, "\(path) cannot be read", hint: "the card, its reader or the disk may be bad")
        }
        guard let type = probe.value("TYPE") else { return nil }
        return FilesystemSignature(
            type: type, version: probe.value("VERSION"), label: probe.value("LABEL"), uuid: probe.value("UUID"))
    }

    /// The same, with nil for a place that looks like two file systems: the table that names such a partition is
    /// still good.
    static func unambiguous(
        _ descriptor: FileDescriptor, path: FilePath, range: Range<Int64>
    ) throws(Failure) -> FilesystemSignature? {
        do throws(Failure) { return try probe(descriptor, path: path, range: range) } catch {
            guard error.code == .ambiguousFilesystem else { throw error }
            return nil
        }
    }
}

extension Failure.Code {
    /// Magic bytes of more than one file system are in the same place.
    package static let ambiguousFilesystem = Failure.Code("filesystems.ambiguous")
}
