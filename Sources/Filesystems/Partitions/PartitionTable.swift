/// The partition table of a card or an image, as libblkid reads it.
package struct PartitionTable: Hashable, Sendable {
    package enum Kind: String, Sendable, Codable { case mbr, gpt }

    package struct Partition: Hashable, Sendable {
        /// Counts from 1, as in /dev/sdb1.
        package let number: Int
        /// In bytes from the start of the device.
        package let range: Range<Int64>
        /// The MBR type ("0xc") or the GPT type GUID, as libblkid spells it.
        package let type: String
        /// What Linux calls its PARTUUID: the disk's signature and the number in an MBR, a GUID in a GPT; nil if it has none.
        package let uuid: String?
        /// What is inside, or nil when nothing is recognised.
        package let filesystem: FilesystemSignature?

        package init(
            number: Int, range: Range<Int64>, type: String, uuid: String? = nil, filesystem: FilesystemSignature?
        ) {
            self.number = number
            self.range = range
            self.type = type
            self.uuid = uuid
            self.filesystem = filesystem
        }
    }

    package let kind: Kind
    package let partitions: [Partition]

    package init(kind: Kind, partitions: [Partition]) {
        self.kind = kind
        self.partitions = partitions
    }
}
