import Text
package import Diagnostics
package import Storage

/// The names in the root directory of an exFAT volume, as cards of more than 32 GB are sold with; enough to tell an empty
/// card from one that is in use.
///
/// Microsoft, "exFAT file system specification" 1.00, sections 3.1 (boot sector) and 7 (directory entries).
package enum ExFATRoot {
    /// The names in the first cluster of the root directory; nil when `store` holds no exFAT volume that can be followed.
    package static func names(in store: some BlockStore) throws(Failure) -> [String]? {
        guard store.size >= 512 else { return nil }
        let boot = try store.bytes(at: 0, count: 512)
        guard Array(boot[3..<11]) == Array("EXFAT   ".utf8) else { return nil }
        // ClusterHeapOffset, FirstClusterOfRootDirectory, BytesPerSectorShift, SectorsPerClusterShift.
        let (heap, root, sectorShift, clusterShift) = (
            Int64(boot.u32(88)), Int64(boot.u32(96)), Int(boot[108]), Int(boot[109])
        )
        // The specification's limits: sectors of 512 to 4096 bytes, clusters of up to 32 MiB.
        guard (9...12).contains(sectorShift), sectorShift + clusterShift <= 25, root >= 2 else { return nil }
        let cluster = Int64(1) << (sectorShift + clusterShift)
        let start = heap << sectorShift + (root - 2) * cluster
        // 1 MiB holds more entries than a message names.
        let count = min(cluster, 1 << 20)
        guard start > 0, start + count <= store.size else { return nil }
        return names(inEntries: try store.bytes(at: start, count: Int(count)))
    }

    private static func names(inEntries bytes: [UInt8]) -> [String] {
        var names: [String] = []
        var units: [UInt16] = []
        var left = 0
        for start in stride(from: 0, to: bytes.count - 31, by: 32) {
            let entry = bytes[start..<(start + 32)]
            switch entry[start] {
            // End of directory.
            case 0x00: return names
            // File: the names follow in separate entries, behind the stream extension, which holds the length.
            case 0x85: (units, left) = ([], 0)
            case 0xC0: left = Int(entry[start + 3])
            case 0xC1 where left > 0:
                for unit in 0..<min(15, left) {
                    units.append(UInt16(entry[start + 2 + 2 * unit]) | UInt16(entry[start + 3 + 2 * unit]) << 8)
                }
                left -= min(15, left)
                if left == 0 { names.append(String(decoding: units, as: UTF16.self)) }
            default: break
            }
        }
        return names
    }
}
