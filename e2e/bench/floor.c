// The least a routed attachment can cost: the netlink requests of our ADD and DEL, in the same datagrams and the same order, from a
// process that leases nothing, checks nothing and answers nothing. src/pod/attach.ts is what it follows; e2e/bench/floor.e2e.ts
// holds the two together. Sysctls, which netlink cannot set, are not its business.
//
//   CNI_COMMAND=ADD|DEL CNI_NETNS=PATH CNI_CONTAINERID=ID-NUMBER CNI_IFNAME=NAME floor v4|v6|dual
//
// NUMBER, up to 65532, tells pods apart: addresses, MACs and the host link's name are made of it.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
enum { MTU = 1500, PROTOCOL = 72, REMOVAL_GROUP = 0x68657874, V6 = AF_INET6, V4 = AF_INET };

struct address {
    int family, length;
    uint8_t bytes[16];
};
static char out[16384], in[65536];
static struct nlmsghdr *message;
static size_t used;
static uint32_t sequence;

static void die(const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void *room(size_t length) {
    void *at = out + used;
    memset(at, 0, NLMSG_ALIGN(length));
    used += NLMSG_ALIGN(length);
    if (message) message->nlmsg_len = out + used - (char *)message;
    return at;
}

static void *begin(int type, int flags, size_t length) {
    message = NULL;
    struct nlmsghdr *header = room(sizeof *header);
    *header = (struct nlmsghdr){.nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = ++sequence};
    message = header;
    return room(length);
}

static struct nlattr *put(int type, const void *bytes, size_t length) {
    struct nlattr *attribute = room(sizeof *attribute + length);
    *attribute = (struct nlattr){.nla_type = type, .nla_len = sizeof *attribute + length};
    if (length) memcpy(attribute + 1, bytes, length);
    return attribute;
}

static void put_u32(int type, uint32_t value) { put(type, &value, sizeof value); }
static void put_text(int type, const char *text) { put(type, text, strlen(text) + 1); }
static struct nlattr *nest(int type) { return put(type | NLA_F_NESTED, NULL, 0); }
static void end(struct nlattr *nested) { nested->nla_len = out + used - (char *)nested; }

static int route_socket(void) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), one = 1, size = 4 << 20;
    if (fd < 0) die("socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one);
    setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof one);
    return fd;
}

static int link_found, peer_found; // of the first link among the answers

static void take_link(struct nlmsghdr *answer) {
    struct ifinfomsg *link = NLMSG_DATA(answer);
    int length = IFLA_PAYLOAD(answer);
    link_found = link->ifi_index;
    for (struct rtattr *each = IFLA_RTA(link); RTA_OK(each, length); each = RTA_NEXT(each, length))
        if (each->rta_type == IFLA_LINK) peer_found = *(int *)RTA_DATA(each);
}

// Sends what has been put together as one datagram, and reads to the acknowledgement of its last request.
static void exchange(int fd, const char *what) {
    message->nlmsg_flags |= NLM_F_ACK;
    if (send(fd, out, used, 0) < 0) die(what);
    used = link_found = 0;
    for (;;) {
        ssize_t length = recv(fd, in, sizeof in, 0);
        if (length < 0) die(what);
        for (struct nlmsghdr *answer = (void *)in; NLMSG_OK(answer, length); answer = NLMSG_NEXT(answer, length)) {
            if (answer->nlmsg_type == RTM_NEWLINK && !link_found) take_link(answer);
            if (answer->nlmsg_type != NLMSG_ERROR) continue;
            errno = -((struct nlmsgerr *)NLMSG_DATA(answer))->error;
            if (errno) die(what);
            if (answer->nlmsg_seq == sequence) return;
        }
    }
}

static struct ifinfomsg *link_message(int type, int flags, int index) {
    struct ifinfomsg *link = begin(type, flags, sizeof *link);
    return link->ifi_index = index, link;
}

static void ask_link(int index, const char *name) {
    link_message(RTM_GETLINK, 0, index);
    if (name) put_text(IFLA_IFNAME, name);
    put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

static void set_up(int index, int up) {
    struct ifinfomsg *link = link_message(RTM_NEWLINK, 0, index);
    link->ifi_flags = up ? IFF_UP : 0;
    link->ifi_change = IFF_UP;
}

// No address of the kernel's own accord, and, for the host's end, whose link it is.
static void make_quiet(int index, const char *alias) {
    link_message(RTM_NEWLINK, 0, index);
    if (alias) put(IFLA_IFALIAS, alias, strlen(alias));
    struct nlattr *spec = nest(IFLA_AF_SPEC), *inet6 = nest(V6);
    uint8_t none = IN6_ADDR_GEN_MODE_NONE;
    put(IFLA_INET6_ADDR_GEN_MODE, &none, sizeof none);
    end(inet6);
    end(spec);
}

static void add_address(int index, struct address address, int prefix) {
    struct ifaddrmsg *body = begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof *body);
    *body = (struct ifaddrmsg){.ifa_family = address.family, .ifa_prefixlen = prefix, .ifa_index = index};
    put(IFA_LOCAL, address.bytes, address.length);
    if (address.family == V6) put_u32(IFA_FLAGS, IFA_F_NODAD);
    put(IFA_ADDRESS, address.bytes, address.length);
}

static void add_neighbor(int index, struct address address, const uint8_t *mac) {
    struct ndmsg *body = begin(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, sizeof *body);
    *body = (struct ndmsg){.ndm_family = address.family, .ndm_ifindex = index, .ndm_state = NUD_PERMANENT};
    uint8_t protocol = PROTOCOL;
    put(NDA_PROTOCOL, &protocol, sizeof protocol);
    put(NDA_DST, address.bytes, address.length);
    put(NDA_LLADDR, mac, 6);
}

static void route_message(int type, struct rtmsg body) {
    *(struct rtmsg *)begin(type, type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_EXCL : 0, sizeof body) = body;
}

static void add_default_route(int index, struct address gateway) {
    route_message(RTM_NEWROUTE, (struct rtmsg){.rtm_family = gateway.family, .rtm_table = RT_TABLE_MAIN,
        .rtm_protocol = PROTOCOL, .rtm_type = RTN_UNICAST, .rtm_flags = gateway.family == V4 ? RTNH_F_ONLINK : 0});
    put(RTA_GATEWAY, gateway.bytes, gateway.length);
    put_u32(RTA_OIF, index);
}

static void add_route(int index, struct address to) {
    route_message(RTM_NEWROUTE, (struct rtmsg){.rtm_family = to.family, .rtm_dst_len = to.length * 8, .rtm_table = RT_TABLE_MAIN,
        .rtm_protocol = PROTOCOL, .rtm_type = RTN_UNICAST, .rtm_scope = to.family == V4 ? RT_SCOPE_LINK : 0});
    put(RTA_DST, to.bytes, to.length);
    put_u32(RTA_OIF, index);
}

static void ask_route(int index, struct address to) {
    route_message(RTM_GETROUTE, (struct rtmsg){.rtm_family = V6, .rtm_dst_len = 128, .rtm_flags = RTM_F_FIB_MATCH});
    put(RTA_DST, to.bytes, to.length);
    put_u32(RTA_OIF, index);
}

static struct address parse(int family, const char *text) {
    struct address address = {.family = family, .length = family == V6 ? 16 : 4};
    if (inet_pton(family, text, address.bytes) != 1) die(text);
    return address;
}

// fe80::/64 with the identifier that RFC 4291, appendix A, makes of a MAC.
static struct address link_local(const uint8_t *mac) {
    struct address address = parse(V6, "fe80::");
    uint8_t identifier[8] = {mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};
    memcpy(address.bytes + 8, identifier, sizeof identifier);
    return address;
}

struct pod {
    int v4, v6, number, host_socket, pod_socket, namespace, count;
    char host_link[IFNAMSIZ], alias[256];
    const char *interface;
    uint8_t host_mac[6], pod_mac[6];
    struct address addresses[2];
};

static void shape(const uint8_t *mac) {
    put(IFLA_ADDRESS, mac, 6), put_u32(IFLA_MTU, MTU), put_u32(IFLA_NUM_TX_QUEUES, 1), put_u32(IFLA_NUM_RX_QUEUES, 1);
}

static void make_pair(struct pod *pod) {
    link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
    shape(pod->host_mac);
    put_text(IFLA_IFNAME, pod->host_link);
    struct nlattr *info = nest(IFLA_LINKINFO);
    put(IFLA_INFO_KIND, "veth", 4);
    struct ifinfomsg unnumbered = {0};
    struct nlattr *data = nest(IFLA_INFO_DATA), *peer = put(VETH_INFO_PEER, &unnumbered, sizeof unnumbered);
    shape(pod->pod_mac);
    put_u32(IFLA_NET_NS_FD, pod->namespace);
    put_text(IFLA_IFNAME, pod->interface);
    end(peer);
    end(data);
    end(info);
    ask_link(0, pod->host_link);
    exchange(pod->host_socket, "make the pair");
}

static void add(struct pod *pod) {
    struct address gateway6 = parse(V6, "fe80::1"), gateway4 = parse(V4, "169.254.1.1"), own = link_local(pod->pod_mac);
    make_pair(pod);
    int host = link_found, index = peer_found;
    make_quiet(index, NULL);
    set_up(index, 1);
    if (pod->v6) add_address(index, own, 64);
    for (int at = 0; at < pod->count; at++) add_address(index, pod->addresses[at], pod->addresses[at].length * 8);
    if (pod->v6) add_neighbor(index, gateway6, pod->host_mac);
    if (pod->v4) add_neighbor(index, gateway4, pod->host_mac);
    if (pod->v6) add_default_route(index, gateway6);
    if (pod->v4) add_default_route(index, gateway4);
    exchange(pod->pod_socket, "set up the pod's end");

    make_quiet(host, pod->alias);
    set_up(host, 1);
    if (pod->v6) add_address(host, gateway6, 64);
    for (int at = 0; at < pod->count; at++) add_neighbor(host, pod->addresses[at], pod->pod_mac);
    for (int at = 0; at < pod->count; at++) add_route(host, pod->addresses[at]);
    exchange(pod->host_socket, "set up the host's end");

    // Ours asks until links and addresses are ready; asking once is a datagram each.
    ask_link(index, NULL);
    if (pod->v6) ask_route(index, own), ask_route(index, pod->addresses[0]);
    exchange(pod->pod_socket, "ask for the pod's end");
    ask_link(host, NULL);
    if (pod->v6) ask_route(host, gateway6);
    exchange(pod->host_socket, "ask for the host's end");
}

static void retire(int fd, int index, int group) {
    char name[IFNAMSIZ];
    snprintf(name, sizeof name, "hxgone%x", index);
    set_up(index, 0);
    link_message(RTM_NEWLINK, 0, index);
    if (group) put_u32(IFLA_GROUP, group);
    put_text(IFLA_IFNAME, name);
    exchange(fd, "take a link out of use");
}

// As with an agent: out of use, not yet deleted. The pod's namespace takes the pair with it.
static void del(struct pod *pod) {
    ask_link(0, pod->host_link);
    exchange(pod->host_socket, "find the host's end");
    int host = link_found;
    ask_link(0, pod->interface);
    exchange(pod->pod_socket, "find the pod's end");
    retire(pod->pod_socket, link_found, 0);
    retire(pod->host_socket, host, REMOVAL_GROUP);
}

static void open_sockets(struct pod *pod, const char *path) {
    pod->namespace = open(path, O_RDONLY | O_CLOEXEC);
    if (pod->namespace < 0) die(path);
    pod->host_socket = route_socket();
    int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home < 0 || setns(pod->namespace, CLONE_NEWNET)) die("enter the pod's namespace");
    pod->pod_socket = route_socket();
    if (setns(home, CLONE_NEWNET)) die("return home");
}

int main(int argc, char **argv) {
    const char *command = getenv("CNI_COMMAND"), *path = getenv("CNI_NETNS"), *id = getenv("CNI_CONTAINERID");
    struct pod pod = {.interface = getenv("CNI_IFNAME"), };
    errno = EINVAL;
    if (argc != 2 || !command || !path || !id || !strrchr(id, '-') || !pod.interface) die("usage: floor v4|v6|dual");
    pod.number = atoi(strrchr(id, '-') + 1);
    if (pod.number < 0 || pod.number > 65532) die(id);
    pod.v6 = strcmp(argv[1], "v4") != 0;
    pod.v4 = strcmp(argv[1], "v6") != 0;
    char text[64];
    snprintf(text, sizeof text, "fd77::%x", pod.number + 2);
    if (pod.v6) pod.addresses[pod.count++] = parse(V6, text);
    snprintf(text, sizeof text, "10.77.%d.%d", (pod.number + 2) >> 8, (pod.number + 2) & 255);
    if (pod.v4) pod.addresses[pod.count++] = parse(V4, text);
    snprintf(pod.host_link, sizeof pod.host_link, "hx%013x", pod.number);
    snprintf(pod.alias, sizeof pod.alias, "hextet floor/%.200s/%s", id, pod.interface);
    memcpy(pod.host_mac, (uint8_t[]){0xfe, 0, 0, 0, pod.number >> 8, pod.number}, 6);
    memcpy(pod.pod_mac, (uint8_t[]){0x5a, 0, 0, 0, pod.number >> 8, pod.number}, 6);
    open_sockets(&pod, path);
    if (!strcmp(command, "ADD")) return add(&pod), 0;
    if (!strcmp(command, "DEL")) return del(&pod), 0;
    die("CNI_COMMAND is neither ADD nor DEL");
}
