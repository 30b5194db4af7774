import Systems
package import Cards
import Filesystems
import Images
import Provisioning
import SystemPackage

extension CardContentsSummary {
    /// What is on the card in a reader now, as far as it can be read.
    package init(of device: DeviceFacts) {
        self.init(
            device, table: { try? PartitionTable.read($0) },
            filesystem: { (try? FilesystemSignature.probe($0, range: nil)) ?? nil })
    }

    /// Whether this process may look at the card at all; without that nothing is known of what is on it.
    package var isReadable: Bool {
        guard let descriptor = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec]) else { return false }
        try? descriptor.close()
        return true
    }

    /// The node whose card piflash made this, or nil when it did not.
    package var node: String? { entries.isEmpty ? nil : (try? CardReading(at: path))?.record?.node }
}
