import CLinux
package import Diagnostics
package import Host
import Storage
import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// The process with root's rights: it opens cards for the one that works as the user (``PrivilegeSeparation``).
///
/// It reads requests of three numbers, and besides those only /proc and /sys; the user's files mean nothing to it. It decides
/// for itself what may be opened, by the rules that the other process used before (``CardValidation``): that one reads what
/// strangers wrote, and must not be believed.
package struct DeviceService: Sendable {
    private let socket: PacketSocket
    /// The user ID of who called piflash.
    private let caller: UInt32
    private let tree = BlockDeviceTree()

    package init(socket: PacketSocket, caller: UInt32) {
        self.socket = socket
        self.caller = caller
    }

    /// Answers requests until the other process has ended or closed its end of the socket.
    ///
    /// Each is answered on a thread of its own: opening a device waits as long as a bad reader makes it wait.
    package func run() {
        while let message = (try? socket.receive(limit: DeviceRequest.length)) ?? nil {
            guard let file = message.file else { continue }
            guard let answers = PacketSocket(adopting: file) else {
                try? file.close()
                continue
            }
            let request = DeviceRequest(message.bytes)
            // Without a thread there is no answer, and the socket for it is closed: the other process reports that.
            try? startThread { answer(request, on: answers) }
        }
    }

    private func answer(_ request: DeviceRequest?, on answers: PacketSocket) {
        do throws(DeviceOpener.OpenError) {
            switch request {
            case .open(let number, let access):
                let device = try open(number, access)
                try? answers.send(DeviceReply.done.bytes, passing: device)
                try? device.close()
            case .rereadPartitionTable, .flushBuffers:
                guard let message = (try? answers.receive(limit: 1)) ?? nil, let device = message.file else { return }
                defer { try? device.close() }
                try validate(number(of: device), .read)
                let done =
                    request == .flushBuffers
                    ? clinux_flush_buffers(device.rawValue) : clinux_reread_partitions(device.rawValue)
                guard done == 0 else { throw .errno(.current) }
                try? answers.send(DeviceReply.done.bytes)
            case nil: throw .errno(.invalidArgument)
            }
        } catch {
            switch error {
            case .errno(let reason): try? answers.send(DeviceReply.failed(reason).bytes)
            case .refused(let failure): try? answers.send(DeviceReply.refused(failure).bytes)
            }
        }
    }

    /// Opens the disk by the name that the kernel gives to its number, and validates it again once it is open.
    private func open(
        _ number: DeviceNumber, _ access: DeviceAccess
    ) throws(DeviceOpener.OpenError) -> FileDescriptor {
        let facts = try validate(number, access)
        let device: FileDescriptor
        do {
            device = try FileDescriptor.open(facts.path, access.mode, options: access.options.union(.noFollow))
        } catch { throw .errno(error as? Errno ?? .ioError) }
        do throws(DeviceOpener.OpenError) {
            guard try self.number(of: device) == number, try validate(number, access) == facts else {
                throw .refused(
                    Failure(
                        .deviceChanged, severity: .refused, "\(facts.path) is not the same card as a moment ago",
                        hint: "run the command again, and check the card that it shows"))
            }
        } catch {
            try? device.close()
            throw error
        }
        return device
    }

    private func number(of device: FileDescriptor) throws(DeviceOpener.OpenError) -> DeviceNumber {
        guard let status = try? device.stat(), status.type == .blockSpecial else {
            throw .errno(Errno.invalidArgument)
        }
        return DeviceNumber(UInt64(status.specialDeviceID.rawValue))
    }

    /// What forbids even to read a disk: it is not a card, or the system keeps its own things on it.
    private static let unreadable: Set<Failure.Code> = [.notACard, .systemDisk, .useUnknown, .swapDevice, .heldDevice]

    @discardableResult
    private func validate(
        _ number: DeviceNumber, _ access: DeviceAccess
    ) throws(DeviceOpener.OpenError) -> DeviceFacts {
        do throws(Failure) {
            let validation = CardValidation(tree: tree)
            let facts = try validation.disk(numbered: number.description, path: nil)
            if access == .exclusive {
                try validation.validate(facts, imageSize: nil, protecting: [])
            } else if let problem = validation.problems(of: facts, imageSize: nil, protecting: []).first(where: {
                Self.unreadable.contains($0.code)
            }) {
                throw problem
            }
            try validateOwner(of: facts)
            return facts
        } catch { throw .refused(error) }
    }

    /// A loop device is as good as the file behind it, and the rights on that are the caller's own affair.
    private func validateOwner(of facts: DeviceFacts) throws(Failure) {
        guard let file = facts.backingFile else { return }
        guard let status = try? FilePath(file).stat(), status.type == .regular, status.userID.rawValue == caller else {
            throw Failure(
                .notYours, severity: .refused, "\(facts.path) is over \(file), which is not your file",
                hint: "make the loop device over a file of your own")
        }
    }
}

extension Failure.Code {
    package static let notYours = Failure.Code("cards.not-yours")
}
