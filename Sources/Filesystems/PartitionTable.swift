/// The partition table of a card or an image, as libblkid reads it.
public struct PartitionTable: Hashable, Sendable {
    public enum Kind: String, Sendable, Codable { case mbr, gpt }

    public struct Partition: Hashable, Sendable {
        /// Counts from 1, as in /dev/sdb1.
        public let number: Int
        /// In bytes from the start of the device.
        public let range: Range<Int64>
        /// The MBR type ("0xc") or the GPT type GUID, as libblkid spells it.
        public let type: String
        /// What is inside, or nil when nothing is recognised.
        public let filesystem: FilesystemSignature?

        public init(number: Int, range: Range<Int64>, type: String, filesystem: FilesystemSignature?) {
            self.number = number
            self.range = range
            self.type = type
            self.filesystem = filesystem
        }
    }

    public let kind: Kind
    public let partitions: [Partition]

    public init(kind: Kind, partitions: [Partition]) {
        self.kind = kind
        self.partitions = partitions
    }
}

/// What libblkid says of a file system.
public struct FilesystemSignature: Hashable, Sendable, Codable {
    /// libblkid's TYPE: "vfat", "ext4", "exfat", …
    public let type: String
    /// libblkid's VERSION: "FAT16", "FAT32", "1.0", …
    public let version: String?
    public let label: String?
    public let uuid: String?

    public init(type: String, version: String?, label: String?, uuid: String?) {
        self.type = type
        self.version = version
        self.label = label
        self.uuid = uuid
    }
}
