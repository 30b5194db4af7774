import Diagnostics
import Host

extension PackedValues {
    mutating func add(_ signature: FilesystemSignature?) {
        add(signature == nil ? 0 : 1)
        guard let signature else { return }
        add(signature.type)
        for text in [signature.version, signature.label, signature.uuid] { add(text) }
    }
}

extension UnpackedValues {
    mutating func signature() throws(Failure) -> FilesystemSignature? {
        guard try number(Int.self) != 0 else { return nil }
        return FilesystemSignature(
            type: try text(), version: try optionalText(), label: try optionalText(), uuid: try optionalText())
    }
}
