// liblodestone_loopback.so, which `lodestone launch` preloads into mpirun if all ranks are on one host.
// mpirun (Open MPI 4) listens for daemons of other hosts on every network, without authentication, and no
// parameter changes that. This library replaces "every address" by loopback. Ranks do not get it.

#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace {

using Bind = int (*)(int, const sockaddr*, socklen_t);

// Programs that mpirun starts inherit its environment, which names this library first.
__attribute__((constructor)) void not_for_children() {
  const char* libraries = std::getenv("LD_PRELOAD");
  const char* others = libraries == nullptr ? nullptr : std::strchr(libraries, ':');
  if (others == nullptr)
    ::unsetenv("LD_PRELOAD");
  else
    ::setenv("LD_PRELOAD", others + 1, /*overwrite=*/1);
}

int bind_ipv6(Bind system_bind, int socket, sockaddr_in6 address) {
  if (IN6_IS_ADDR_UNSPECIFIED(&address.sin6_addr) == 0)
    return system_bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
  const int yes = 1;
  // Otherwise IPv4 connections from all networks would arrive here.
  ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
  address.sin6_addr = in6addr_loopback;
  if (system_bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return 0;
  address.sin6_addr = in6addr_any;  // a host without ::1 has no other IPv6 address either
  return system_bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int bind(int socket, const sockaddr* address,
                                                           socklen_t size) {
  static const auto system_bind = reinterpret_cast<Bind>(::dlsym(RTLD_NEXT, "bind"));
  if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 ipv6{};
    std::memcpy(&ipv6, address, sizeof ipv6);
    return bind_ipv6(system_bind, socket, ipv6);
  }
  if (address->sa_family != AF_INET || size < sizeof(sockaddr_in)) return system_bind(socket, address, size);
  sockaddr_in ipv4{};
  std::memcpy(&ipv4, address, sizeof ipv4);
  if (ipv4.sin_addr.s_addr == htonl(INADDR_ANY)) ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return system_bind(socket, reinterpret_cast<sockaddr*>(&ipv4), sizeof ipv4);
}
