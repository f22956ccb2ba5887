internal import CCurl
import Glibc

/// Loopback, private, link-local, shared, multicast and unspecified addresses (RFC 6890), also when IPv6 wraps an IPv4 one.
func isPrivate(_ address: UnsafePointer<sockaddr>) -> Bool {
    switch Int32(address.pointee.sa_family) {
    case AF_INET:
        return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { address in
            withUnsafeBytes(of: address.pointee.sin_addr) { isPrivate(v4: Array($0)) }
        }
    case AF_INET6:
        return UnsafeRawPointer(address).withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { address in
            withUnsafeBytes(of: address.pointee.sin6_addr) { isPrivate(v6: Array($0)) }
        }
    default: return true
    }
}

/// The same for an address in text; what is none counts as private.
func isPrivate(_ text: String) -> Bool {
    var v4 = in_addr()
    if inet_pton(AF_INET, text, &v4) == 1 { return withUnsafeBytes(of: v4) { isPrivate(v4: Array($0)) } }
    var v6 = in6_addr()
    if inet_pton(AF_INET6, text, &v6) == 1 { return withUnsafeBytes(of: v6) { isPrivate(v6: Array($0)) } }
    return true
}

private func isPrivate(v4 b: [UInt8]) -> Bool {
    switch b[0] {
    case 0, 10, 127, 224...255: true
    case 100: b[1] & 0xc0 == 64
    case 169: b[1] == 254
    case 172: b[1] & 0xf0 == 16
    case 192: b[1] == 168 || b[1] == 0 && b[2] == 0
    case 198: b[1] == 18 || b[1] == 19
    default: false
    }
}

private func isPrivate(v6 b: [UInt8]) -> Bool {
    let startsWithZeros = b[..<10].allSatisfy { $0 == 0 }
    if startsWithZeros, b[10] == 0xff, b[11] == 0xff { return isPrivate(v4: Array(b[12...])) }
    // ::, ::1 and the long abandoned ::a.b.c.d
    if startsWithZeros, b[10] == 0, b[11] == 0 { return true }
    // NAT64 64:ff9b::/96 and 6to4 2002::/16 carry an IPv4 address
    if b[0] == 0, b[1] == 0x64, b[2] == 0xff, b[3] == 0x9b { return isPrivate(v4: Array(b[12...])) }
    if b[0] == 0x20, b[1] == 0x02 { return isPrivate(v4: Array(b[2..<6])) }
    return b[0] & 0xfe == 0xfc || b[0] == 0xfe && b[1] & 0xc0 == 0x80 || b[0] == 0xff
}
