import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// The labels of the file systems that udev knows: links in /dev/disk/by-label (systemd, rules.d/60-persistent-storage).
///
/// Everybody can read them, where reading the device itself takes root.
enum VolumeLabels {
    /// The label of the file system on the device with the number `device` (st_dev of what is mounted).
    static func label(ofDevice device: UInt64, in directory: FilePath = "/dev/disk/by-label") -> String? {
        let names = (try? OpenDirectory(path: directory).names()) ?? []
        let name = names.first { name in
            guard let status = try? directory.appending(name).stat(), status.type == .blockSpecial else { return false }
            return UInt64(status.specialDeviceID.rawValue) == device
        }
        return name.map(decode)
    }

    /// udev writes bytes that do not belong into a file name as "\x20".
    static func decode(_ name: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(name.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.first == UInt8(ascii: "x"),
                let value = UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
