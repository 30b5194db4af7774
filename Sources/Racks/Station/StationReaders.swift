package import Cards
import SystemPackage

/// Which readers a station works with: those that the user named, and every card that is put in after its start.
package struct StationReaders: Sendable {
    /// The user's name for a reader, and where it is plugged in.
    package struct Named: Hashable, Sendable {
        package let name: String?
        /// Where it is plugged in: its device may be called otherwise when it was out meanwhile.
        package let port: String
        /// What it was called at the start.
        package let device: String

        package init(name: String?, _ facts: DeviceFacts) {
            self.name = name
            (port, device) = (facts.port, facts.path.string)
        }
    }

    private let named: [Named]
    private var tracker = ReaderTracker()
    /// Cards that were there before: they stay as they are until they are taken out.
    private let strangers: Set<Int>

    /// - Parameter disks: What is there at the start.
    package init(named: [Named], present disks: [DeviceFacts]) {
        self.named = named
        let ports = Set(named.map(\.port))
        strangers = Set(tracker.update(disks).filter { !ports.contains($0.facts.port) }.map(\.id))
    }

    /// The cards that the station may take among `disks`.
    mutating func update(_ disks: [DeviceFacts]) -> [ReaderTracker.Medium] {
        tracker.update(disks).filter { !strangers.contains($0.id) && isReader($0.facts) }
    }

    func reader(_ facts: DeviceFacts) -> StationReader {
        StationReader(name: named.first { $0.port == facts.port }?.name, device: facts.path.string)
    }

    /// A loop device is a file, and programs make them for purposes of their own: only one that the user named is taken.
    private func isReader(_ facts: DeviceFacts) -> Bool {
        if named.contains(where: { $0.port == facts.port }) { return true }
        return facts.bus == .usb || facts.bus == .mmc && !facts.isBuiltIn
    }
}
