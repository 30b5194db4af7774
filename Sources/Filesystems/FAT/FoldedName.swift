/// How FAT compares names: by characters, without regard to case.
///
/// Each character is compared by its upper-case form if that is one character, as in the tables of
/// Windows and mtools. Swift's own comparison would go further: it takes "é" and "e" with an accent for the same name,
/// and a Kelvin sign for a "k", where FAT keeps two files.
struct FoldedName: Hashable, Sendable {
    private let scalars: [Unicode.Scalar]

    init(_ name: String) {
        scalars = name.unicodeScalars.map { scalar in
            guard scalar.value >= 0x80 else {
                return (0x61...0x7A).contains(scalar.value) ? Unicode.Scalar(UInt8(scalar.value - 0x20)) : scalar
            }
            let upper = scalar.properties.uppercaseMapping.unicodeScalars
            // A dotless i and a long s would become ASCII letters, which no system's table does.
            guard let first = upper.first, upper.count == 1, first.value >= 0x80 else { return scalar }
            return first
        }
    }
}
