/// How libblkid describes a file system.
package struct FilesystemSignature: Hashable, Sendable, Codable {
    /// libblkid's TYPE: "vfat", "ext4", "exfat", …
    package let type: String
    /// libblkid's VERSION: "FAT16", "FAT32", "1.0", …
    package let version: String?
    package let label: String?
    package let uuid: String?

    package init(type: String, version: String?, label: String?, uuid: String?) {
        self.type = type
        self.version = version
        self.label = label
        self.uuid = uuid
    }
}
