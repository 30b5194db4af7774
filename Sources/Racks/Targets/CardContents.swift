import Planning
import Systems
package import Cards
import Filesystems
import Images
import Host
import Provisioning
import SystemPackage

extension CardContentsSummary {
    /// What is on the card in a reader now, as far as it can be read.
    package init(of device: DeviceFacts) {
        self.init(
            device, table: { try? PartitionTable.read($0) },
            filesystem: { (try? FilesystemSignature.probe($0, range: nil)) ?? nil })
    }

    /// Whether this process may read the card. If not, what is on it is not known.
    package var isReadable: Bool {
        guard let descriptor = try? DeviceOpener.open(path, .probe) else { return false }
        try? descriptor.close()
        return true
    }

    /// The node that piflash made this card for; nil if piflash did not make it.
    package var node: String? { entries.isEmpty ? nil : (try? InspectedCard(at: path))?.record?.node }
}
