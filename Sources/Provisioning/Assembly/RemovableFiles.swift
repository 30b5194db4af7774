import Systems

/// The files of an earlier configuration that a card's record may name for removal. Anyone who holds the card can edit the
/// record, so nothing is removed but paths that piflash itself gives to files.
enum RemovableFiles {
    /// Relative to the boot partition's root.
    static func isBootFile(_ path: String) -> Bool {
        bootFiles.contains(path) || BootPartitionFile.isRemovable(path)
    }

    /// Of all flavours: the card's flavour may have changed since its record was written.
    private static let bootFiles = Set(
        OSProfile.Flavour.allCases.flatMap(\.facts.removableBootFiles) + Cluster.kinds.flatMap { $0.removableBootFiles }
    )

    /// Absolute, on the root partition.
    static func isRootFile(_ path: String) -> Bool {
        hasPlainComponents(path)
            && ([DaemonConfiguration.proxyDropIn, DaemonConfiguration.optionsDropIn].contains(path)
                || [NetworkInterfaces.clientHookPath, NetworkInterfaces.ipv6Path].contains(path)
                || [NetworkConfig.wifiPath, DietPi.wifiPath].contains(path)
                || NodeProxy.paths.contains(path) || NetworkManagerKeyfile.owns(path) || SuppliedFiles.owns(path)
                || Cluster.kinds.contains { $0.owns(path) })
    }

    /// Whether no component of the path is empty, "." or "..", or has control characters.
    private static func hasPlainComponents(_ path: String) -> Bool {
        let components = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return components.count > 1 && components[0].isEmpty
            && components.dropFirst().allSatisfy { component in
                !component.isEmpty && !component.elementsEqual(".".utf8) && !component.elementsEqual("..".utf8)
                    && component.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
            }
    }
}
