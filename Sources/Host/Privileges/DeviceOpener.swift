package import Diagnostics
import Synchronization
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// Opens block devices: with this process's own rights, and if these are not enough and there is one, by a process that
/// has root's (``PrivilegeSeparation``).
///
/// That process is asked by device number and decides for itself if the device may be opened. Each request brings the
/// socket for its answer, so that a reader that does not answer delays no other.
package final class DeviceOpener: Sendable {
    private let service: PacketSocket

    package init(asking service: PacketSocket) { self.service = service }

    private static let used = Mutex<DeviceOpener?>(nil)

    /// The one that this process asks; nil if it has only its own rights. It is set once, at the start.
    package static var current: DeviceOpener? {
        get { used.withLock { $0 } }
        set { used.withLock { $0 = newValue } }
    }

    /// Opens the device at `path`, whose links the caller has resolved.
    package static func open(_ path: FilePath, _ access: DeviceAccess) throws(OpenError) -> FileDescriptor {
        do {
            return try FileDescriptor.open(path, access.mode, options: access.options)
        } catch {
            let reason = error as? Errno ?? .ioError
            guard reason == .permissionDenied || reason == .notPermitted, let opener = current,
                let number = DeviceNumber(ofNode: path)
            else { throw .errno(reason) }
            return try opener.open(number, access)
        }
    }

    /// Why a device could not be opened.
    package enum OpenError: Error {
        case errno(Errno)
        case refused(Failure)
    }

    /// Asks for the device with `number`.
    package func open(_ number: DeviceNumber, _ access: DeviceAccess) throws(OpenError) -> FileDescriptor {
        guard let device = try ask(.open(number, access), about: nil) else { throw .errno(.ioError) }
        return device
    }

    /// Asks for an operation on an open device that only root may do.
    package func perform(_ request: DeviceRequest, on device: FileDescriptor) throws(Errno) {
        do throws(OpenError) {
            try ask(request, about: device).map { try? $0.close() }
        } catch {
            switch error {
            case .errno(let reason): throw reason
            case .refused: throw .notPermitted
            }
        }
    }

    private func ask(_ request: DeviceRequest, about device: FileDescriptor?) throws(OpenError) -> FileDescriptor? {
        let answer: (bytes: [UInt8], file: FileDescriptor?)?
        do throws(Errno) {
            answer = try send(request, about: device).receive(limit: DeviceReply.limit)
        } catch { throw .errno(error) }
        guard let answer, let reply = DeviceReply(answer.bytes) else { throw .errno(.brokenPipe) }
        if case .done = reply { return answer.file }
        try? answer.file?.close()
        if case .refused(let failure) = reply { throw .refused(failure) }
        if case .failed(let reason) = reply { throw .errno(reason) }
        throw .errno(.brokenPipe)
    }

    /// Sends the request and returns where its answer comes. The other end of that socket is then only in the process that
    /// was asked: if that ends, the socket does.
    private func send(_ request: DeviceRequest, about device: FileDescriptor?) throws(Errno) -> PacketSocket {
        let (own, other) = try PacketSocket.pair()
        try service.send(request.bytes, passing: other.descriptor)
        if let device { try own.send([0], passing: device) }
        return own
    }
}

extension DeviceAccess {
    /// The flags of open(2).
    package var options: FileDescriptor.OpenOptions {
        switch self {
        case .read: [.closeOnExec]
        case .probe: [.closeOnExec, .nonBlocking]
        case .exclusive: [.closeOnExec, .exclusiveCreate]
        }
    }

    package var mode: FileDescriptor.AccessMode { self == .exclusive ? .readWrite : .readOnly }
}
