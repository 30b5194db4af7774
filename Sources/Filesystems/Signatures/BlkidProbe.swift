import Host
import CBlkid
import Diagnostics
import Storage
import SystemPackage

/// A libblkid probe over a part of an open file; freed with its owner.
final class BlkidProbe {
    let handle: blkid_probe

    /// `descriptor` must outlive the probe. `size` 0 means: to the end.
    init(_ descriptor: FileDescriptor, path: FilePath, offset: Int64, size: Int64) throws(Failure) {
        guard let probe = blkid_new_probe() else { throw Failure(.system, "libblkid has no memory") }
        guard blkid_probe_set_device(probe, descriptor.rawValue, offset, size) == 0 else {
            blkid_free_probe(probe)
            throw Failure(
                .system, "looking for file systems in \(path): it is not a file or device, or it is too small",
                hint: "name a card's device or an image file")
        }
        handle = probe
    }

    deinit { blkid_free_probe(handle) }

    func value(_ name: String) -> String? {
        var data: UnsafePointer<CChar>?
        guard blkid_probe_lookup_value(handle, name, &data, nil) == 0, let data else { return nil }
        return String(cString: data)
    }

    /// Opens `path` to read and nothing more: never exclusively, and without waiting for the writer of a pipe.
    static func withDescriptor<Value>(
        _ path: FilePath, name: FilePath? = nil, _ body: (FileDescriptor) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let descriptor: FileDescriptor
        do throws(DeviceOpener.OpenError) {
            descriptor = try DeviceOpener.open(path, .probe)
        } catch {
            switch error {
            case .errno(let reason): throw .system("opening \(name ?? path)", reason)
            case .refused(let failure): throw failure
            }
        }
        defer { try? descriptor.close() }
        return try body(descriptor)
    }
}
